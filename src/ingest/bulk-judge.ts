import { AsofError } from '../base/errors.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type Acceptance, entryOf, type Judgement, SlotList } from './acceptance.ts';
import type { BulkBody } from './bulk-body.ts';
import { ChangeJudge } from './change-judge.ts';
import { hashId } from './id-table.ts';
import type { LogEntry } from './log.ts';
import type { RowChunk } from './row-chunk.ts';
import type { RowProblem } from './row-problem.ts';
import { arrivalProblem, timeProblem } from './time-problems.ts';

type Rejected = { readonly slot: number; readonly problem: RowProblem };

/** A row that passed what the schema asks, by its own arrival. */
interface TimedRow {
  readonly arrivalMs: number;
  readonly declaredMs: number;
  readonly eventMs: number;
}

/**
 * Judges rows that bring their arrival (semantics §1, imported events). Of a stream, an id that was
 * ever taken is a duplicate, however long ago; a table has no ids, and its rows are never too late.
 */
export class BulkJudge {
  readonly #acceptance: Acceptance;
  readonly #schema: SourceSchema;
  readonly #body: BulkBody;
  readonly #chunk: RowChunk;
  readonly #nowMs: number;
  readonly #stamps: readonly number[];
  readonly #isTable: boolean;
  readonly #rejected: Rejected[] = [];
  /** By partition: ids of the entry that the door holds on to. */
  readonly #held: number[];

  constructor(acceptance: Acceptance, body: BulkBody, nowMs: number) {
    this.#acceptance = acceptance;
    this.#schema = body.chunk.schema;
    this.#body = body;
    this.#chunk = body.chunk;
    this.#nowMs = nowMs;
    this.#stamps = acceptance.stamps(nowMs);
    this.#held = this.#stamps.map(() => 0);
    this.#isTable = (this.#schema.table ?? null) !== null;
  }

  /**
   * Claims the ids of what it accepts; they stand until the log confirms or fails.
   * @param recent ids that came live since the sender has seen the history
   * @throws AsofError `bad_request` for what no such run can hold
   */
  judge(recent: ReadonlySet<string>): Judgement {
    const { rows, fence } = this.#acceptance;
    fence?.mark(this.#chunk);
    if (this.#isTable) return this.#judgeTable();
    if (this.#body.retracts !== null) throw notHere('A stream has no rows that take others back.');
    if (rows !== null) return this.#judgeChanges();
    return this.#judgeStream(recent);
  }

  #judgeStream(recent: ReadonlySet<string>): Judgement {
    const chunk = this.#chunk;
    const { partitions } = this.#schema;
    const taken = this.#stamps.map(() => new SlotList());
    const eventTimes = new Float64Array(chunk.count);
    const arrivals = new Float64Array(chunk.count);
    const turn = this.#acceptance.nextTurn();
    for (let slot = 0; slot < chunk.count; slot++) {
      const row = this.#timed(slot, null);
      if (row === null) continue;
      const scalar = chunk.idAt(slot);
      const id = scalar === null ? null : String(scalar);
      const hash = id === null ? 0 : hashId(id);
      const partition = id === null ? turn : hash % partitions;
      const problem = id === null ? null : this.#claim(id, hash, partition, row.arrivalMs, recent);
      if (problem !== null) {
        this.#rejected.push({ slot, problem });
        continue;
      }
      arrivals[slot] = row.arrivalMs;
      eventTimes[slot] = row.eventMs;
      taken[partition]?.push(slot);
    }
    const entries = taken.flatMap((list, partition): LogEntry[] => {
      if (list.count === 0) return [];
      const entry = entryOf(chunk, partition, list.slots(), eventTimes, arrivals);
      return [{ ...entry, imported: true, heldIds: this.#held[partition] ?? 0 }];
    });
    return this.#judgement(entries);
  }

  #claim(
    id: string,
    hash: number,
    partition: number,
    arrivalMs: number,
    recent: ReadonlySet<string>,
  ): RowProblem | null {
    const column = this.#schema.id;
    const newestMs = this.#stamps[partition] as number;
    const index = this.#acceptance.claims.index(partition);
    const claim = recent.has(id)
      ? 'duplicate'
      : index.claimPast(id, arrivalMs, this.#stampsFollowClock ? newestMs : -1, hash);
    if (claim === 'held') this.#held[partition] = (this.#held[partition] ?? 0) + 1;
    if (claim === 'held' || claim === 'fresh') return null;
    if (claim === 'duplicate') {
      const message = `An event of ${column} '${id}' is there already.`;
      return { column, problem: new ValueProblem('duplicate', message) };
    }
    const message = 'All ids that a partition can remember are in use.';
    const remedy = 'Retry later, shorten dedupeHorizon or use more partitions.';
    return { column, passes: true, problem: new ValueProblem('overloaded', message, remedy) };
  }

  /** Whether what comes live arrives no earlier than now. */
  get #stampsFollowClock(): boolean {
    return this.#schema.arrivalTime === null;
  }

  /** Changes depend on what was there before, so they come behind all of it. */
  #judgeChanges(): Judgement {
    const { rows } = this.#acceptance;
    const chunk = this.#chunk;
    const { name } = this.#schema;
    if (rows === null) throw notHere(`'${name}' has no changes.`);
    const { clock } = this.#acceptance;
    const offsets = this.#stamps.map((_, partition) => clock.nextOffset(name, partition));
    let newestMs = Math.max(
      ...this.#stamps.map((_, partition) => clock.newestArrivalMs(name, partition)),
    );
    const judge = new ChangeJudge(chunk, rows, offsets);
    for (let slot = 0; slot < chunk.count; slot++) {
      const id = String(chunk.idAt(slot));
      const row = this.#timed(slot, chunk.problems.has(slot) ? null : chunk.operationAt(slot));
      if (row === null) continue;
      const { arrivalMs } = row;
      if (arrivalMs < newestMs) throw notBehind(name, arrivalMs, newestMs);
      newestMs = arrivalMs;
      const problem = judge.take({ slot, id, hash: hashId(id), arrivalMs, eventMs: row.eventMs });
      if (problem !== null) this.#rejected.push({ slot, problem });
    }
    const entries = judge.entries().map((entry) => ({ ...entry, imported: true }));
    return { ...this.#judgement(entries), changes: judge.counts };
  }

  #judgeTable(): Judgement {
    const chunk = this.#chunk;
    const { retracts } = this.#body;
    const list = new SlotList();
    const eventTimes = new Float64Array(chunk.count);
    const arrivals = new Float64Array(chunk.count);
    for (let slot = 0; slot < chunk.count; slot++) {
      const takesBack = retracts !== null && (retracts.weights[slot] as number) < 0;
      if (takesBack) this.#requireEvent(slot);
      const row = takesBack ? this.#taking(slot) : this.#timed(slot, null);
      if (row === null) continue;
      arrivals[slot] = row.arrivalMs;
      eventTimes[slot] = row.eventMs;
      list.push(slot);
    }
    if (list.count === 0) return this.#judgement([]);
    const slots = list.slots();
    const entry = entryOf(chunk, 0, slots, eventTimes, arrivals);
    return this.#judgement([retracts === null ? entry : { ...entry, ...this.#origins(slots) }]);
  }

  #origins(slots: Int32Array): Pick<LogEntry, 'retractions'> {
    const { retracts } = this.#body;
    const first = this.#acceptance.clock.nextOffset(this.#schema.name, 0);
    const weights = Int8Array.from(slots, (slot) => ((retracts?.weights[slot] ?? 1) < 0 ? -1 : 1));
    if (!weights.includes(-1)) return {};
    const takes = (i: number): boolean => weights[i] === -1;
    const partitions = Int32Array.from(slots, (slot, i) =>
      takes(i) ? (retracts?.partitions[slot] ?? 0) : 0,
    );
    const offsets = Float64Array.from(slots, (slot, i) =>
      takes(i) ? (retracts?.offsets[slot] ?? 0) : first + i,
    );
    return { retractions: { weights, partitions, offsets } };
  }

  /** What was an event once may break rules that were declared since; it is taken back all the same. */
  #requireEvent(slot: number): void {
    const found = this.#chunk.problems.get(slot)?.problem;
    if (found === undefined) return;
    if (found.code === 'out_of_range' || found.code === 'missing_column') return;
    throw notHere(`Row ${slot} takes back what is no event: ${found.message}`);
  }

  #taking(slot: number): TimedRow {
    const { retracts } = this.#body;
    const eventMs = retracts?.eventTimeMs[slot] ?? Number.NaN;
    const offset = retracts?.offsets[slot] ?? Number.NaN;
    const arrivalMs = this.#arrivalOf(slot) ?? (this.#stamps[0] as number);
    const isWhole = Number.isSafeInteger(eventMs) && Number.isSafeInteger(offset);
    const isPast = offset >= 0 && offset < this.#acceptance.clock.nextOffset(this.#schema.name, 0);
    if (!isWhole || !isPast || eventMs < 0 || !(arrivalMs >= eventMs)) {
      throw notHere(`Row ${slot} takes back an event that is not there: offset ${offset}.`);
    }
    return { arrivalMs, declaredMs: eventMs, eventMs };
  }

  /** Null where the row is rejected. */
  #timed(slot: number, operation: string | null): TimedRow | null {
    const found = this.#chunk.problems.get(slot) ?? null;
    const arrivalMs = found === null ? this.#arrivalOf(slot) : null;
    const problem = found ?? this.#timesProblem(slot, arrivalMs, operation);
    if (problem !== null) {
      this.#rejected.push({ slot, problem });
      return null;
    }
    const declaredMs = this.#chunk.eventTimeAt(slot);
    const knownMs = arrivalMs ?? (this.#stamps[0] as number);
    return { arrivalMs: knownMs, declaredMs, eventMs: Math.min(declaredMs, knownMs) };
  }

  #timesProblem(
    slot: number,
    arrivalMs: number | null,
    operation: string | null,
  ): RowProblem | null {
    const { arrivalTime } = this.#schema;
    if (arrivalMs === null && !this.#isTable) {
      const problem = new ValueProblem('missing_column', 'The row does not say when it arrived.');
      return { column: arrivalTime, problem };
    }
    if (arrivalMs !== null && !(Number.isSafeInteger(arrivalMs) && arrivalMs >= 0)) {
      const message = `The arrival ${arrivalMs} is no time in whole milliseconds.`;
      return { column: arrivalTime, problem: new ValueProblem('invalid_time', message) };
    }
    // What the log would stamp is never ahead of its clock, wherever declared arrivals may lie.
    const bound = arrivalTime === null ? 'clock' : this.#acceptance.arrivalBound;
    const ahead = arrivalProblem(this.#schema, arrivalMs, this.#nowMs, bound);
    if (ahead !== null || operation === 'delete') return ahead;
    const knownMs = arrivalMs ?? (this.#stamps[0] as number);
    return timeProblem(this.#schema, this.#chunk.eventTimeAt(slot), knownMs);
  }

  /** The later one of the arrival that came with the row and the one that it declares. */
  #arrivalOf(slot: number): number | null {
    const given = this.#body.arrivalTimeMs?.[slot] ?? Number.NaN;
    const declared = this.#chunk.arrivalTimeAt(slot);
    if (Number.isNaN(given)) return declared;
    return declared === null ? given : Math.max(given, declared);
  }

  #judgement(entries: LogEntry[]): Judgement {
    const rejected = this.#rejected;
    const accepted = this.#chunk.count - rejected.length;
    return { entries, accepted, changes: null, rejected };
  }
}

function notHere(message: string): AsofError {
  return new AsofError('bad_request', message);
}

function notBehind(source: string, arrivalMs: number, newestMs: number): AsofError {
  return new AsofError(
    'bad_request',
    `Changes of '${source}' that arrived at ${arrivalMs} come after others of ${newestMs}.`,
    {
      remedy:
        'What a change does depends on all that arrived before it: import the whole history of a ' +
        'change stream before its first live row, in order of arrival.',
    },
  );
}
