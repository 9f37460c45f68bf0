import type { ErrorCode } from '../base/errors.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type ClockReport, SourceClocks } from './source-clocks.ts';

export interface SourceStats {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly clocks: ClockReport;
}

/** What one source has seen: counts since the process began, and its clocks since ever. */
export class IngestStats {
  readonly clocks: SourceClocks;
  #received = 0;
  #accepted = 0;
  readonly #rejected = new Map<ErrorCode, number>();

  constructor(schema: SourceSchema) {
    this.clocks = new SourceClocks(schema);
  }

  receive(count: number): void {
    this.#received += count;
  }

  reject(code: ErrorCode, count: number): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + count);
  }

  accept(batch: EventBatch): void {
    this.#accepted += batch.count;
    this.clocks.accept(batch);
  }

  snapshot(): SourceStats {
    return {
      received: this.#received,
      accepted: this.#accepted,
      rejected: Object.fromEntries(this.#rejected),
      clocks: this.clocks.report(),
    };
  }
}
