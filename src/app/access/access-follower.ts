import { systemClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { type AccessFacts, AccessSnapshot } from '../../registry/access/access-snapshot.ts';
import { NOBODY } from '../../registry/access/principal.ts';
import type { OnDenied } from '../../registry/access/viewer.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Config } from '../config.ts';
import { openRegistry } from '../with-registry.ts';
import { TokenDoor } from './access-door.ts';
import { JwtVerifier } from './verify-jwt.ts';

/**
 * Keeps a running server's knowledge of identities, grants and rules: looks for changes all the
 * time, and notes which keys were used. While the registry is away the server goes on by what it
 * knows; nobody new is let in meanwhile.
 */
export class AccessFollower {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #onDenied: OnDenied;
  readonly #refused = new Map<string, number>();
  #snapshot: AccessSnapshot;
  #door: TokenDoor | null = null;
  #registry: Registry | null;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #usesNotedMs = 0;
  #away = '';

  private constructor(
    config: Config,
    registry: Registry | null,
    snapshot: AccessSnapshot,
    logger: Logger,
    onDenied: OnDenied,
  ) {
    this.#config = config;
    this.#registry = registry;
    this.#snapshot = snapshot;
    this.#logger = logger;
    this.#onDenied = onDenied;
  }

  /**
   * @param known what a kept snapshot says, for a start while the registry is away
   * @throws AsofError as opening the registry does where nothing is known: nothing is served by guess
   */
  static async open(
    config: Config,
    logger: Logger,
    onDenied: OnDenied,
    known?: AccessFacts,
  ): Promise<AccessFollower> {
    let registry: Registry | null = null;
    try {
      registry = await openRegistry(config);
      const snapshot = new AccessSnapshot(await registry.access.facts());
      return new AccessFollower(config, registry, snapshot, logger, onDenied);
    } catch (error) {
      await registry?.close().catch(() => {});
      if (known === undefined) throw error;
      return new AccessFollower(config, null, new AccessSnapshot(known), logger, onDenied);
    }
  }

  /** Whether anybody is asked who they are. */
  get enabled(): boolean {
    return this.#snapshot.enabled;
  }

  /** The door of a server that uses these definitions; followed from now on. */
  doorFor(plan: () => ProjectPlan): TokenDoor {
    this.#door = new TokenDoor({
      snapshot: this.#snapshot,
      jwts: new JwtVerifier(this.#config.issuers, systemClock),
      clock: systemClock,
      plan,
      onRejected: (reason) => {
        this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
        this.#onDenied(NOBODY, 'access.identify', '', reason);
      },
      onDenied: this.#onDenied,
    });
    this.#timer ??= setInterval(() => void this.#tick(), LIMITS.accessPollMs);
    this.#timer.unref();
    return this.#door;
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
    await this.#noteUses().catch(() => {});
    await this.#registry?.close();
    this.#registry = null;
  }

  /** One look at a time: a registry that is slow is not asked twice. */
  #tick(): Promise<void> {
    this.#running ??= this.#follow().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #follow(): Promise<void> {
    this.#sayRefused();
    try {
      this.#registry ??= await openRegistry(this.#config);
      const { access } = this.#registry;
      if ((await access.revision()) !== this.#snapshot.facts.revision) {
        this.#snapshot = new AccessSnapshot(await access.facts());
        this.#door?.use(this.#snapshot);
      }
      if (systemClock.nowMs() - this.#usesNotedMs >= LIMITS.keyUseEveryMs) await this.#noteUses();
      this.#away = '';
    } catch (error) {
      const registry = this.#registry;
      this.#registry = null;
      await registry?.close().catch(() => {});
      if (String(error) === this.#away) return;
      this.#away = String(error);
      const text =
        'The registry is away: access goes on by what is known, and nobody new is let in.';
      this.#logger.warn({ error: this.#away }, text);
    }
  }

  async #noteUses(): Promise<void> {
    this.#usesNotedMs = systemClock.nowMs();
    const uses = this.#door?.takeUses();
    if (uses !== undefined && uses.size > 0) await this.#registry?.access.usedKeys(uses);
  }

  /** Reasons are told here and nowhere else; a flood of bad tokens is one line. */
  #sayRefused(): void {
    if (this.#refused.size === 0) return;
    const reasons = Object.fromEntries(this.#refused);
    this.#refused.clear();
    this.#logger.warn({ reasons }, 'Tokens were refused.');
  }
}
