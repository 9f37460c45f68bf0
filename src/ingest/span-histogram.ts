import type { ByteReader, ByteWriter } from '../base/bytes.ts';

/** A bucket's width is at most 2^-6 of its least span; spans below 2^7 ms have one each. */
const BITS = 6;
const EXACT_BELOW = 2 ** (BITS + 1);
/** Longer spans, of more than 2 000 years, count as this one. */
const LONGEST_MS = 2 ** 46 - 1;
const BUCKETS = bucketOf(LONGEST_MS) + 1;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Spans at which buckets are divided, so that what lies beyond them is counted exactly. */
export const EXACT_SPANS_MS: readonly number[] = [
  0,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  3 * DAY,
  7 * DAY,
];

/** By bucket, the span after which its second half begins. */
const SPLITS = new Float64Array(BUCKETS).fill(Number.POSITIVE_INFINITY);
for (const spanMs of EXACT_SPANS_MS) SPLITS[bucketOf(spanMs)] = spanMs;

function bucketOf(spanMs: number): number {
  if (spanMs < EXACT_BELOW) return spanMs;
  const length = spanMs < 2 ** 31 ? 32 - Math.clz32(spanMs) : 64 - Math.clz32(spanMs / 2 ** 32);
  const shift = length - (BITS + 1);
  return shift * 2 ** BITS + Math.floor(spanMs / 2 ** shift);
}

/** The greatest span of a bucket. */
function lastOf(bucket: number): number {
  if (bucket < EXACT_BELOW) return bucket;
  const shift = Math.floor(bucket / 2 ** BITS) - 1;
  return (bucket - shift * 2 ** BITS + 1) * 2 ** shift - 1;
}

/** How many spans lie beyond another one; more than one value where it falls into a bucket. */
export interface Beyond {
  readonly atLeast: number;
  readonly atMost: number;
}

/**
 * Counts whole milliseconds, from 0, in buckets that widen with the span: bounded memory, a
 * relative error of at most 1/64, and no error at all at `EXACT_SPANS_MS`.
 */
export class SpanHistogram {
  /** Two halves a bucket. */
  readonly #counts = new Float64Array(BUCKETS * 2);
  #total = 0;
  #maxMs = 0;

  get total(): number {
    return this.#total;
  }

  /** Exact; 0 before the first span. */
  get maxMs(): number {
    return this.#maxMs;
  }

  add(spanMs: number): void {
    const held = Math.min(spanMs, LONGEST_MS);
    const bucket = bucketOf(held);
    const half = bucket * 2 + (held > (SPLITS[bucket] as number) ? 1 : 0);
    this.#counts[half] = (this.#counts[half] as number) + 1;
    this.#total += 1;
    if (held > this.#maxMs) this.#maxMs = held;
  }

  /**
   * A span that at least `ppm` millionths of all do not exceed: the end of the half bucket in
   * which the exact quantile lies. Null of no spans.
   */
  quantileMs(ppm: number): number | null {
    const rank = Math.max(1, Math.ceil((this.#total * ppm) / 1_000_000));
    let seen = 0;
    for (let half = 0; half < this.#counts.length; half++) {
      seen += this.#counts[half] as number;
      if (seen >= rank && this.#total > 0) return Math.min(endOf(half), this.#maxMs);
    }
    return null;
  }

  beyond(spanMs: number): Beyond {
    let [atLeast, atMost] = [0, 0];
    for (let half = 0; half < this.#counts.length; half++) {
      const count = this.#counts[half] as number;
      if (count === 0) continue;
      if (startOf(half) > spanMs) atLeast += count;
      if (Math.min(endOf(half), this.#maxMs) > spanMs) atMost += count;
    }
    return { atLeast, atMost };
  }

  /** Only what is not 0, each as its distance from the one before and its count. */
  encode(writer: ByteWriter): void {
    const used: number[] = [];
    for (let half = 0; half < this.#counts.length; half++)
      if (this.#counts[half] !== 0) used.push(half);
    writer.varint(this.#maxMs);
    writer.varint(used.length);
    let before = 0;
    for (const half of used) {
      writer.varint(half - before);
      writer.varint(this.#counts[half] as number);
      before = half;
    }
  }

  static decode(reader: ByteReader): SpanHistogram {
    const histogram = new SpanHistogram();
    histogram.#maxMs = reader.varint();
    let half = 0;
    for (let left = reader.varint(); left > 0; left--) {
      half += reader.varint();
      const count = reader.varint();
      if (half < histogram.#counts.length) histogram.#counts[half] = count;
      histogram.#total += count;
    }
    return histogram;
  }
}

function startOf(half: number): number {
  const bucket = half >> 1;
  if (half % 2 === 1) return (SPLITS[bucket] as number) + 1;
  return bucket === 0 ? 0 : lastOf(bucket - 1) + 1;
}

function endOf(half: number): number {
  const last = lastOf(half >> 1);
  return half % 2 === 1 ? last : Math.min(last, SPLITS[half >> 1] as number);
}
