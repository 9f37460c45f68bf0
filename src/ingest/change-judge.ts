import { present } from '../base/assert.ts';
import { ByteWriter } from '../base/bytes.ts';
import { LIMITS } from '../base/limits.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { ChangeSchema, SourceSchema } from '../schema/types.ts';
import { ChangeEntry } from './change-entry.ts';
import type { LiveRows } from './live-rows.ts';
import { writeCell } from './row-bytes.ts';
import type { RowChunk } from './row-chunk.ts';
import type { RowProblem } from './row-problem.ts';
import type { LoggedRow } from './row-store.ts';
import { idHorizonMs, type SourceRows } from './source-rows.ts';

/** A row that passed every test that needs no other event. */
export interface Candidate {
  readonly slot: number;
  readonly id: string;
  readonly hash: number;
  readonly arrivalMs: number;
  /** Effective; of no meaning for a delete. */
  readonly eventMs: number;
}

/** What a change does: `insert` adds an event, `replace` takes one back and adds one. */
type Effect = 'insert' | 'replace' | 'take';

/** How many rows of a push did what. */
export interface ChangeCounts {
  inserted: number;
  updated: number;
  deleted: number;
}

/** Decides what the rows of one chunk do to the events before them (semantics §1, changes). */
export class ChangeJudge {
  readonly counts: ChangeCounts = { inserted: 0, updated: 0, deleted: 0 };
  readonly #schema: SourceSchema;
  readonly #changes: ChangeSchema;
  readonly #rows: SourceRows;
  readonly #chunk: RowChunk;
  readonly #entries: readonly ChangeEntry[];
  readonly #bytes = new ByteWriter();
  #takenBytes = 0;

  /** @param nextOffsets of each partition */
  constructor(chunk: RowChunk, rows: SourceRows, nextOffsets: readonly number[]) {
    this.#schema = chunk.schema;
    this.#changes = rows.changes;
    this.#rows = rows;
    this.#chunk = chunk;
    this.#entries = nextOffsets.map(
      (offset, partition) => new ChangeEntry(chunk, partition, offset, rows.layout),
    );
  }

  /** The newest arrival that this chunk brought to a partition; -1 before the first. */
  newestArrivalMs(partition: number): number {
    return this.#entries[partition]?.newestArrivalMs ?? -1;
  }

  entries() {
    return this.#entries.flatMap((entry) => entry.finish() ?? []);
  }

  /** Claims what it accepts; the claim stands until the log confirms or fails. */
  take(candidate: Candidate): RowProblem | null {
    const { slot, id, hash, arrivalMs } = candidate;
    const partition = hash % this.#schema.partitions;
    const rows = this.#rows.of(partition);
    const found = rows.find(id, hash, arrivalMs);
    if (found === 'forgotten') return this.#overloaded(FORGOTTEN, 'Send rows in order of arrival.');
    const idMs = idHorizonMs(this.#schema, this.#changes);
    const known = found !== null && arrivalMs - found.arrivalMs <= idMs ? found : null;
    const sequence = this.#chunk.sequenceAt(slot);
    this.#encode(slot);
    const effect = this.#effectOf(candidate, known, sequence);
    if (typeof effect !== 'string') return effect;
    const taken = effect === 'insert' ? null : present(known, 'an event to take back');
    if (taken !== null && taken.bytes.length === 0) return this.#notHeld(id, taken, rows);
    return this.#log(candidate, { rows, taken, sequence, effect });
  }

  #effectOf(
    { slot, id, arrivalMs }: Candidate,
    known: LoggedRow | null,
    sequence: bigint | null,
  ): Effect | RowProblem {
    const operation = this.#chunk.operationAt(slot);
    if (sequence !== null && known !== null && sequence <= (known.sequence ?? sequence - 1n)) {
      return this.#duplicate(`'${id}' has had the change ${known.sequence} or a later one`);
    }
    const ageMs = known === null ? 0 : arrivalMs - known.arrivalMs;
    const live = known?.live === true && ageMs <= this.#changes.horizonMs;
    if (operation === 'delete') return live ? 'take' : this.#notLive(id);
    if (operation === 'insert' && sequence === null) {
      const repeated = known !== null && (live || ageMs <= this.#schema.dedupeHorizonMs);
      return repeated ? this.#duplicate(`An event of '${id}' was there before`) : 'insert';
    }
    if (!live) return known?.live === true ? this.#notLive(id) : 'insert';
    const same = sequence === null && this.#sameColumns(known.bytes);
    return same ? this.#duplicate(`The event of '${id}' is so already`) : 'replace';
  }

  /** The operation's column comes last, and says nothing of the event. */
  #sameColumns(held: Uint8Array): boolean {
    const own = this.#bytes.view().subarray(0, this.#withoutOperation);
    return held.length >= own.length && Buffer.compare(own, held.subarray(0, own.length)) === 0;
  }

  #withoutOperation = 0;

  #encode(slot: number): void {
    this.#bytes.reset();
    if (this.#chunk.operationAt(slot) === 'delete') return;
    for (const index of this.#rows.layout) {
      this.#withoutOperation = this.#bytes.length;
      writeCell(this.#bytes, this.#chunk.cellAt(index, slot));
    }
  }

  #log(
    { slot, id, hash, arrivalMs, eventMs }: Candidate,
    change: {
      readonly rows: LiveRows;
      readonly taken: LoggedRow | null;
      readonly sequence: bigint | null;
      readonly effect: Effect;
    },
  ): RowProblem | null {
    const { rows, sequence, effect } = change;
    const bytes = effect === 'take' ? NOTHING : this.#bytes.view();
    // A copy: whatever is added can move what is held.
    const taken = change.taken && { ...change.taken, bytes: change.taken.bytes.slice() };
    const takenBytes = this.#takenBytes + (taken?.bytes.length ?? 0);
    if (this.#takenBytes > 0 && takenBytes > LIMITS.retractedBytes) {
      return this.#full('This commit takes back as much as it may.', 'Send the row again.');
    }
    if (!rows.hasRoom(id, bytes.length, arrivalMs)) {
      const remedy = 'Retry later, shorten changes.horizon or use more partitions.';
      return this.#full('All that a partition can hold for changes is in use.', remedy);
    }
    this.#takenBytes = takenBytes;
    const entry = present(this.#entries[hash % this.#schema.partitions], 'a partition');
    // Nobody can know of a change before the event that it changes.
    const atMs = Math.max(arrivalMs, taken?.arrivalMs ?? arrivalMs);
    const place = { partition: entry.partition, arrivalMs: atMs, sequence };
    if (taken !== null) {
      const gone = { ...place, live: false, offset: entry.nextOffset, eventTimeMs: 0 };
      rows.add(id, hash, { ...gone, bytes: NOTHING });
      entry.takeBack(taken, atMs, sequence);
    }
    if (effect !== 'take') {
      const row = { ...place, live: true, offset: entry.nextOffset, eventTimeMs: eventMs, bytes };
      rows.add(id, hash, row);
      entry.add(slot, atMs, eventMs);
    }
    if (effect === 'insert') this.counts.inserted += 1;
    else if (effect === 'replace') this.counts.updated += 1;
    else this.counts.deleted += 1;
    return null;
  }

  #duplicate(what: string): RowProblem {
    return { column: this.#schema.id, problem: new ValueProblem('duplicate', `${what}.`) };
  }

  #notLive(id: string): RowProblem {
    const message = `No event of ${this.#schema.id} '${id}' is held that could be changed.`;
    return { column: this.#schema.id, problem: new ValueProblem('not_live', message) };
  }

  /** Its columns went with the horizon, or came before the source had changes. */
  #notHeld(id: string, taken: LoggedRow, rows: LiveRows): RowProblem {
    const isOld = rows.newestArrivalMs - taken.arrivalMs > this.#changes.horizonMs;
    if (!isOld) return this.#notLive(id);
    return this.#overloaded(FORGOTTEN, 'Send rows in order of arrival.');
  }

  #full(message: string, remedy: string): RowProblem {
    return { ...this.#overloaded(message, remedy), passes: true };
  }

  #overloaded(message: string, remedy: string): RowProblem {
    return { column: this.#schema.id, problem: new ValueProblem('overloaded', message, remedy) };
  }
}

const NOTHING = new Uint8Array(0);
const FORGOTTEN = 'The row arrived so far out of order that events of its time were let go.';
