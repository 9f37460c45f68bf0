import type { ErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ChangeCounts } from './change-judge.ts';
import type { RowChunk } from './row-chunk.ts';
import type { RowProblem } from './row-problem.ts';
import { type ClockReport, SourceClocks } from './source-clocks.ts';
import { SourceDrift } from './source-drift.ts';

export interface SourceStats {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly clocks: ClockReport;
  /** What accepted rows did, where the source has changes. */
  readonly changes: Readonly<ChangeCounts> | null;
  /** Columns that rows have in another way than is declared. */
  readonly drifting: number;
}

/** What one source has seen: counts since the process began, and its clocks since ever. */
export class IngestStats {
  readonly clocks: SourceClocks;
  readonly drift: SourceDrift;
  #received = 0;
  #accepted = 0;
  readonly #changes: ChangeCounts | null;
  readonly #rejected = new Map<ErrorCode, number>();

  constructor(schema: SourceSchema) {
    this.clocks = new SourceClocks(schema);
    this.drift = new SourceDrift(schema);
    const isPlain = (schema.changes ?? null) === null;
    this.#changes = isPlain ? null : { inserted: 0, updated: 0, deleted: 0 };
  }

  receive(count: number): void {
    this.#received += count;
  }

  reject(code: ErrorCode, count: number): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + count);
  }

  /**
   * Rows of a chunk that were refused for good: what they say of the source's form.
   * @param isShielded only what is told of them may be known, and not the rows
   */
  look(
    chunk: RowChunk,
    rejected: readonly { readonly slot: number; readonly problem: RowProblem }[],
    nowMs: number,
    isShielded: boolean,
  ): void {
    for (const [i, { slot, problem }] of rejected.entries()) {
      const isRead = !isShielded && i < LIMITS.driftRowsPerChunk;
      const raw = isRead ? () => chunk.rawOf(slot) : null;
      this.drift.refuse(problem, raw, nowMs);
    }
  }

  accept(batch: EventBatch): void {
    this.#accepted += batch.count;
    this.drift.accept(batch);
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
      drifting: this.drift.report().columns.length,
    };
  }
}
