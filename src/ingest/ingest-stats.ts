import type { ErrorCode } from '../base/errors.ts';
import type { EventBatch } from '../schema/batch.ts';

/** Bucket b counts events that arrived less than 2^b ms after they happened. */
const LATENESS_BUCKETS = 44;

export interface SourceStats {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly lateness: readonly { readonly belowMs: number; readonly events: number }[];
}

/** What one source has seen since the process began. */
export class IngestStats {
  #received = 0;
  #accepted = 0;
  readonly #rejected = new Map<ErrorCode, number>();
  readonly #lateness = new Float64Array(LATENESS_BUCKETS);

  receive(count: number): void {
    this.#received += count;
  }

  reject(code: ErrorCode, count: number): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + count);
  }

  accept({ count, eventTimeMs, arrivalTimeMs }: EventBatch): void {
    this.#accepted += count;
    for (let i = 0; i < count; i++) {
      const lateMs = (arrivalTimeMs[i] as number) - (eventTimeMs[i] as number);
      const bucket = lateMs < 0x8000_0000 ? 32 - Math.clz32(lateMs) : bucketOf(lateMs);
      this.#lateness[bucket] = (this.#lateness[bucket] as number) + 1;
    }
  }

  snapshot(): SourceStats {
    return {
      received: this.#received,
      accepted: this.#accepted,
      rejected: Object.fromEntries(this.#rejected),
      lateness: Array.from(this.#lateness, (events, bucket) => ({ belowMs: 2 ** bucket, events })),
    };
  }
}

function bucketOf(lateMs: number): number {
  return Math.min(LATENESS_BUCKETS - 1, 64 - Math.clz32(lateMs / 2 ** 32));
}
