import { systemClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { OnDenied } from '../../registry/access/viewer.ts';
import type { AuditEntry } from '../../registry/audit-entry.ts';
import { AuditGatherer } from '../../registry/audit-gatherer.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import { accessNote } from './access-note.ts';

/**
 * What a running server refuses, and the sensitive reads that it answers, on their way to the audit:
 * gathered in memory and written in the background, so that no request waits for it or fails by it.
 */
export class AuditKeeper {
  readonly #gatherer: AuditGatherer;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #failure = '';

  constructor(config: Config, logger: Logger) {
    this.#logger = logger;
    this.#gatherer = new AuditGatherer(systemClock, (notes) =>
      withRegistry(config, (registry) => registry.audit.append(...notes)),
    );
    this.#timer = setInterval(() => void this.#flush(false), LIMITS.auditFlushMs);
    this.#timer.unref();
  }

  readonly onDenied: OnDenied = (principal, ...said) => {
    this.note(accessNote(principal.id, ...said));
  };

  note(entry: Omit<AuditEntry, 'atMs'>): void {
    this.#gatherer.note(entry);
  }

  /** Writes all there is. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush(true);
  }

  /** A registry that is away loses nothing before the bound; it is told once. */
  async #flush(isEnd: boolean): Promise<void> {
    try {
      await this.#gatherer.flush(isEnd);
      this.#failure = '';
    } catch (error) {
      if (String(error) === this.#failure) return;
      this.#failure = String(error);
      this.#logger.error({ error: this.#failure }, 'The audit cannot be written; it is kept.');
    }
  }
}
