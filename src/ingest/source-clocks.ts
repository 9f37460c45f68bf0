import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type Beyond, EXACT_SPANS_MS, SpanHistogram } from './span-histogram.ts';

const UNKNOWN = -1;

export interface PartitionClocks {
  /** Greatest effective event time less the allowed lateness; null before the first event. */
  readonly watermarkMs: number | null;
  readonly newestArrivalMs: number | null;
  /** Nothing came for so long that the partition no longer holds the source back. */
  readonly idle: boolean;
}

/** What a source's events say of time: how late they come, and how far ahead their clocks run. */
export interface ClockReport {
  readonly allowedLatenessMs: number;
  readonly maxClockSkewMs: number;
  /** The least of the partitions that are not idle; it never goes back. */
  readonly watermarkMs: number | null;
  readonly partitions: readonly PartitionClocks[];
  /** Arrival less event time, of accepted events and of those that came too late. */
  readonly lateness: {
    readonly events: number;
    readonly p50Ms: number | null;
    readonly p90Ms: number | null;
    readonly p99Ms: number | null;
    readonly p999Ms: number | null;
    readonly maxMs: number;
  };
  /** Event time less arrival, of events that lie ahead of it; those from the future included. */
  readonly skew: {
    readonly events: number;
    readonly ahead: number;
    readonly p99Ms: number | null;
    readonly maxMs: number;
  };
}

/** How many events an allowed lateness would lose. */
export interface LatenessLoss extends Beyond {
  readonly allowedMs: number;
}

export interface LatenessReport extends ClockReport {
  readonly source: string;
  readonly losses: readonly LatenessLoss[];
}

interface Partition {
  newestEventMs: number;
  newestArrivalMs: number;
}

/**
 * Measures the clocks of one source. All of it follows from the log and from what was refused for
 * its time; bounded by the number of partitions and two histograms.
 */
export class SourceClocks {
  readonly #schema: SourceSchema;
  readonly #eventTimeAt: number;
  readonly #partitions: Partition[];
  #lateness = new SpanHistogram();
  #ahead = new SpanHistogram();
  /** Events of known time from the future, which have no lateness. */
  #refusedAhead = 0;
  #watermarkMs = UNKNOWN;
  /** Refused ones since this process began. */
  refusals = 0;

  constructor(schema: SourceSchema) {
    this.#schema = schema;
    this.#eventTimeAt = schema.columns.findIndex(({ name }) => name === schema.eventTime);
    this.#partitions = Array.from({ length: schema.partitions }, () => ({
      newestEventMs: UNKNOWN,
      newestArrivalMs: UNKNOWN,
    }));
  }

  /** Batches come in the order of their commits. */
  accept(batch: EventBatch): void {
    const { count, eventTimeMs, arrivalTimeMs, retractions } = batch;
    const column = batch.columns[this.#eventTimeAt];
    const declared = column?.kind === 'number' ? column.values : eventTimeMs;
    const partition = this.#partitions[batch.partition];
    let newestEventMs = partition?.newestEventMs ?? 0;
    let newestArrivalMs = partition?.newestArrivalMs ?? 0;
    for (let i = 0; i < count; i++) {
      const arrival = arrivalTimeMs[i] as number;
      if (arrival > newestArrivalMs) newestArrivalMs = arrival;
      // What takes an event back has that event's time, not one of its own.
      if (retractions && (retractions.weights[i] as number) < 0) continue;
      // Never after the arrival, so an event ahead of it counts as not late.
      const event = eventTimeMs[i] as number;
      this.#lateness.add(arrival - event);
      const aheadMs = (declared[i] as number) - arrival;
      if (aheadMs > 0) this.#ahead.add(aheadMs);
      if (event > newestEventMs) newestEventMs = event;
    }
    if (partition === undefined) return;
    partition.newestEventMs = newestEventMs;
    partition.newestArrivalMs = newestArrivalMs;
    this.#advance();
  }

  /** An event that was refused for its time alone: late by so much, or ahead where negative. */
  refuse(lateMs: number): void {
    this.refusals += 1;
    if (lateMs >= 0) this.#lateness.add(lateMs);
    else {
      this.#ahead.add(-lateMs);
      this.#refusedAhead += 1;
    }
  }

  #advance(): void {
    let least = Number.POSITIVE_INFINITY;
    const idleBefore = this.#idleBefore();
    for (const { newestEventMs, newestArrivalMs } of this.#partitions) {
      if (newestEventMs !== UNKNOWN && newestArrivalMs >= idleBefore) {
        least = Math.min(least, newestEventMs);
      }
    }
    const watermarkMs = least - this.#schema.allowedLatenessMs;
    if (Number.isFinite(least) && watermarkMs > this.#watermarkMs) this.#watermarkMs = watermarkMs;
  }

  #idleBefore(): number {
    let newest = UNKNOWN;
    for (const { newestArrivalMs } of this.#partitions) newest = Math.max(newest, newestArrivalMs);
    return newest - LIMITS.idlePartitionMs;
  }

  report(): ClockReport {
    const { allowedLatenessMs, maxClockSkewMs } = this.#schema;
    const idleBefore = this.#idleBefore();
    const lateness = this.#lateness;
    return {
      allowedLatenessMs,
      maxClockSkewMs,
      watermarkMs: this.#watermarkMs === UNKNOWN ? null : this.#watermarkMs,
      partitions: this.#partitions.map(({ newestEventMs, newestArrivalMs }) => ({
        watermarkMs: newestEventMs === UNKNOWN ? null : newestEventMs - allowedLatenessMs,
        newestArrivalMs: newestArrivalMs === UNKNOWN ? null : newestArrivalMs,
        idle: newestArrivalMs === UNKNOWN || newestArrivalMs < idleBefore,
      })),
      lateness: {
        events: lateness.total,
        p50Ms: lateness.quantileMs(500_000),
        p90Ms: lateness.quantileMs(900_000),
        p99Ms: lateness.quantileMs(990_000),
        p999Ms: lateness.quantileMs(999_000),
        maxMs: lateness.maxMs,
      },
      skew: {
        events: lateness.total + this.#refusedAhead,
        ahead: this.#ahead.total,
        p99Ms: this.#ahead.quantileMs(990_000),
        maxMs: this.#ahead.maxMs,
      },
    };
  }

  lossReport(alsoMs: readonly number[]): LatenessReport {
    return { source: this.#schema.name, ...this.report(), losses: this.#losses(alsoMs) };
  }

  /** At the spans that are counted exactly from one second on, and at those asked for. */
  #losses(alsoMs: readonly number[]): LatenessLoss[] {
    const all = new Set([...EXACT_SPANS_MS.filter((spanMs) => spanMs > 0), ...alsoMs]);
    return [...all]
      .sort((a, b) => a - b)
      .map((allowedMs) => ({ allowedMs, ...this.#lateness.beyond(allowedMs) }));
  }

  encode(): Uint8Array {
    const writer = new ByteWriter();
    this.#lateness.encode(writer);
    this.#ahead.encode(writer);
    writer.varint(this.#refusedAhead);
    writer.f64(this.#watermarkMs);
    writer.varint(this.#partitions.length);
    for (const { newestEventMs, newestArrivalMs } of this.#partitions) {
      writer.f64(newestEventMs);
      writer.f64(newestArrivalMs);
    }
    return writer.bytes();
  }

  /** Takes over what was encoded; partitions only where there are as many as then. */
  adopt(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    this.#lateness = SpanHistogram.decode(reader);
    this.#ahead = SpanHistogram.decode(reader);
    this.#refusedAhead = reader.varint();
    this.#watermarkMs = reader.f64();
    if (reader.varint() !== this.#partitions.length) return;
    for (const partition of this.#partitions) {
      partition.newestEventMs = reader.f64();
      partition.newestArrivalMs = reader.f64();
    }
  }
}
