import { LIMITS } from '../base/limits.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import { facingSchema } from '../schema/evolution.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type ChangeCounts, ChangeJudge } from './change-judge.ts';
import type { DedupeLimits } from './dedupe-index.ts';
import { Fence, type FenceBook, OPEN_FENCE } from './fence.ts';
import { hashId } from './id-table.ts';
import { LineReader } from './line-reader.ts';
import type { LiveLimits } from './live-rows.ts';
import type { LogEntry } from './log.ts';
import type { RowChunk } from './row-chunk.ts';
import type { RowProblem } from './row-problem.ts';
import { Shield } from './shield.ts';
import { SourceIds } from './source-ids.ts';
import type { SourceMemory } from './source-memory.ts';
import { LIVE_LIMITS, SourceRows } from './source-rows.ts';
import { type ArrivalBound, arrivalProblem, timeProblem } from './time-problems.ts';

/** What acceptance must know of the log. */
export interface PartitionClock {
  /** Where the next event of a partition will be, behind all that are pending. */
  nextOffset(source: string, partition: number): number;
  /** The greatest arrival time in a partition, pending events included; -1 before the first. */
  newestArrivalMs(source: string, partition: number): number;
}

/** The verdict on a chunk: what to log, and what is wrong with the rest by slot, in order. */
export interface Judgement {
  readonly entries: LogEntry[];
  /** Rows that were taken; an update is one, though the log gets two of it. */
  readonly accepted: number;
  /** What the accepted rows of a change stream did; null for all others. */
  readonly changes: ChangeCounts | null;
  readonly rejected: { readonly slot: number; readonly problem: RowProblem }[];
}

/** Rules 2 to 4 of semantics §1 for one source, each by the event and earlier offsets alone. */
export class Acceptance {
  readonly schema: SourceSchema;
  readonly ids: SourceMemory;
  /** Null where lines need what only parsed rows give. */
  readonly lines: LineReader | null;
  readonly claims: SourceIds;
  /** Of a change stream: what its rows can change. */
  readonly rows: SourceRows | null;
  /** Of a source with tokenized columns; null of all others. */
  readonly shield: Shield | null;
  /** Of a source with keys that were forgotten; null of all others. */
  readonly fence: Fence | null;
  readonly clock: PartitionClock;
  readonly arrivalBound: ArrivalBound;
  readonly #limits: DedupeLimits;
  /** Events without an id go to the partitions in turn, a chunk at a time. */
  #turn = 0;

  constructor(
    schema: SourceSchema,
    clock: PartitionClock,
    limits: DedupeLimits = { ids: LIMITS.dedupeIds, idsKept: LIMITS.dedupeIdsKept },
    arrivalBound: ArrivalBound = 'none',
    live: LiveLimits = LIVE_LIMITS,
    tokenizer: Tokenizer | null = null,
    fences: FenceBook = OPEN_FENCE,
  ) {
    this.schema = schema;
    this.fence = Fence.of(schema, fences);
    this.shield = Shield.of(schema, tokenizer);
    this.clock = clock;
    this.arrivalBound = arrivalBound;
    this.#limits = limits;
    const changes = schema.changes ?? null;
    this.lines = LineReader.of(schema);
    this.claims = new SourceIds(schema, limits);
    this.rows = changes === null ? null : new SourceRows(schema, changes, live);
    this.ids = this.rows ?? this.claims;
  }

  /** Claims the ids of what it accepts; they stand until the log confirms or fails. */
  judge(chunk: RowChunk, nowMs: number): Judgement {
    this.fence?.mark(chunk);
    // What is wrong is told by present names.
    const { schema } = chunk;
    if (this.rows !== null) return this.#judgeChanges(chunk, nowMs, this.rows);
    const stamps = this.stamps(nowMs);
    const taken = stamps.map(() => new SlotList());
    const eventTimes = new Float64Array(chunk.count);
    const arrivalTimes = new Float64Array(chunk.count);
    const rejected: { slot: number; problem: RowProblem }[] = [];
    const turn = this.nextTurn();
    for (let slot = 0; slot < chunk.count; slot++) {
      const schemaProblem = chunk.problems.size === 0 ? undefined : chunk.problems.get(slot);
      if (schemaProblem !== undefined) {
        rejected.push({ slot, problem: schemaProblem });
        continue;
      }
      const scalar = chunk.idAt(slot);
      const id = scalar === null ? null : String(scalar);
      const hash = id === null ? 0 : hashId(id);
      const partition = id === null ? turn : hash % schema.partitions;
      const eventMs = chunk.eventTimeAt(slot);
      const arrivalMs = chunk.arrivalTimeAt(slot) ?? (stamps[partition] as number);
      const problem =
        arrivalProblem(schema, chunk.arrivalTimeAt(slot), nowMs, this.arrivalBound) ??
        timeProblem(schema, eventMs, arrivalMs) ??
        (id === null ? null : this.#claim(partition, id, hash, arrivalMs));
      if (problem !== null) {
        rejected.push({ slot, problem });
        continue;
      }
      arrivalTimes[slot] = arrivalMs;
      eventTimes[slot] = Math.min(eventMs, arrivalMs);
      taken[partition]?.push(slot);
    }
    const entries = taken.flatMap((list, partition) =>
      list.count === 0 ? [] : [entryOf(chunk, partition, list.slots(), eventTimes, arrivalTimes)],
    );
    const accepted = chunk.count - rejected.length;
    return { entries, accepted, changes: null, rejected };
  }

  /** The partition of the next events without an id. */
  nextTurn(): number {
    this.#turn = (this.#turn + 1) % this.schema.partitions;
    return this.#turn;
  }

  /** What the log would stamp an event of each partition with. */
  stamps(nowMs: number): number[] {
    const { name, partitions } = this.schema;
    return Array.from({ length: partitions }, (_, partition) =>
      Math.max(nowMs, this.clock.newestArrivalMs(name, partition)),
    );
  }

  #judgeChanges(chunk: RowChunk, nowMs: number, rows: SourceRows): Judgement {
    const { name } = this.schema;
    const stamps = this.stamps(nowMs);
    const offsets = stamps.map((_, partition) => this.clock.nextOffset(name, partition));
    const judge = new ChangeJudge(chunk, rows, offsets);
    const rejected: { slot: number; problem: RowProblem }[] = [];
    for (let slot = 0; slot < chunk.count; slot++) {
      const problem =
        chunk.problems.get(slot) ?? this.#changeProblem(slot, chunk, judge, nowMs, stamps);
      if (problem !== null) rejected.push({ slot, problem });
    }
    const accepted = chunk.count - rejected.length;
    return { entries: judge.entries(), accepted, changes: judge.counts, rejected };
  }

  #changeProblem(
    slot: number,
    chunk: RowChunk,
    judge: ChangeJudge,
    nowMs: number,
    stamps: readonly number[],
  ): RowProblem | null {
    const id = String(chunk.idAt(slot));
    const hash = hashId(id);
    const declaredMs = chunk.arrivalTimeAt(slot);
    const partition = hash % stamps.length;
    const stampMs = Math.max(stamps[partition] as number, judge.newestArrivalMs(partition));
    const arrivalMs = declaredMs ?? stampMs;
    const declaredEventMs = chunk.eventTimeAt(slot);
    const eventMs = Math.min(declaredEventMs, arrivalMs);
    // A delete has no event time of its own to judge.
    const isDelete = chunk.operationAt(slot) === 'delete';
    return (
      arrivalProblem(chunk.schema, declaredMs, nowMs, this.arrivalBound) ??
      (isDelete ? null : timeProblem(chunk.schema, declaredEventMs, arrivalMs)) ??
      judge.take({ slot, id, hash, arrivalMs, eventMs })
    );
  }

  #claim(partition: number, id: string, hash: number, arrivalMs: number): RowProblem | null {
    const claim = this.claims.index(partition).claim(id, arrivalMs, hash);
    if (claim === 'fresh') return null;
    const column = facingSchema(this.schema).id;
    if (claim === 'duplicate') {
      const message = `An event of ${column} '${id}' arrived within the horizon before.`;
      return { column, problem: new ValueProblem('duplicate', message) };
    }
    const message =
      claim === 'full'
        ? `All ${this.#limits.ids} ids that a partition can remember are in use.`
        : `The arrival time lies so far back that ids of its time are forgotten.`;
    const remedy =
      claim === 'full'
        ? 'Retry later, shorten dedupeHorizon or use more partitions.'
        : 'Send events in the order of their arrival.';
    const problem = new ValueProblem('overloaded', message, remedy);
    return claim === 'full' ? { column, problem, passes: true } : { column, problem };
  }
}

export function entryOf(
  chunk: RowChunk,
  partition: number,
  slots: Int32Array,
  eventTimes: Float64Array,
  arrivalTimes: Float64Array,
): LogEntry {
  return {
    source: chunk.schema.name,
    partition,
    count: slots.length,
    eventTimeMs: pick(eventTimes, slots),
    arrivalTimeMs: pick(arrivalTimes, slots),
    columns: chunk.gather(slots),
  };
}

function pick(times: Float64Array, slots: Int32Array): Float64Array {
  const picked = new Float64Array(slots.length);
  for (let i = 0; i < slots.length; i++) picked[i] = times[slots[i] as number] as number;
  return picked;
}

/** Slots of one partition, in order. */
export class SlotList {
  count = 0;
  #slots = new Int32Array(64);

  push(slot: number): void {
    if (this.count === this.#slots.length) {
      const grown = new Int32Array(this.count * 2);
      grown.set(this.#slots);
      this.#slots = grown;
    }
    this.#slots[this.count++] = slot;
  }

  slots(): Int32Array {
    return this.#slots.subarray(0, this.count);
  }
}
