import type { ErrorCode } from '../base/errors.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ChangeCounts } from './change-judge.ts';
import { type ClockReport, SourceClocks } from './source-clocks.ts';

export interface SourceStats {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly clocks: ClockReport;
  /** What accepted rows did, where the source has changes. */
  readonly changes: Readonly<ChangeCounts> | null;
}

/** What one source has seen: counts since the process began, and its clocks since ever. */
export class IngestStats {
  readonly clocks: SourceClocks;
  #received = 0;
  #accepted = 0;
  readonly #changes: ChangeCounts | null;
  readonly #rejected = new Map<ErrorCode, number>();

  constructor(schema: SourceSchema) {
    this.clocks = new SourceClocks(schema);
    const isPlain = (schema.changes ?? null) === null;
    this.#changes = isPlain ? null : { inserted: 0, updated: 0, deleted: 0 };
  }

  receive(count: number): void {
    this.#received += count;
  }

  reject(code: ErrorCode, count: number): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + count);
  }

  accept(batch: EventBatch): void {
    this.#accepted += batch.count;
    if (batch.imported !== true) this.clocks.accept(batch);
  }

  /** An update is one row, though the log has got two of it. */
  change(counts: Readonly<ChangeCounts> | null): void {
    if (counts === null || this.#changes === null) return;
    this.#changes.inserted += counts.inserted;
    this.#changes.updated += counts.updated;
    this.#changes.deleted += counts.deleted;
    this.#accepted -= counts.updated;
  }

  snapshot(): SourceStats {
    return {
      received: this.#received,
      accepted: this.#accepted,
      rejected: Object.fromEntries(this.#rejected),
      clocks: this.clocks.report(),
      changes: this.#changes === null ? null : { ...this.#changes },
    };
  }
}
