import { type ByteReader, ByteWriter } from '../base/bytes.ts';
import { LIMITS } from '../base/limits.ts';
import { hashId, IdTable } from './id-table.ts';

/**
 * `fresh`: taken, and remembered. `duplicate`: an earlier event of this id arrived within the
 * horizon. `full`: no room for another id. `forgotten`: the event arrived so far out of order that
 * ids of its time were let go already, so nobody can say.
 */
export type Claim = 'fresh' | 'duplicate' | 'full' | 'forgotten';

/** Of what `DedupeIndex.encode` writes. */
export const INDEX_VERSION = 2;

export interface DedupeLimits {
  /** More ids than this are never held. */
  readonly ids: number;
  /** Up to so many, ids are held however old they are. */
  readonly idsKept: number;
}

/**
 * The ids of one source partition that a new event can repeat (semantics §1, rule 4). Claims become
 * final with their log commit, or are all taken back if the log fails; ids are let go by the arrival
 * of durable events only, so taking back is exact.
 */
export class DedupeIndex {
  readonly #horizonMs: number;
  readonly #limits: DedupeLimits;
  #table = new IdTable();
  #durableCount = 0;
  #newestArrivalMs = -1;
  /** The newest arrival of an id that was let go. */
  #forgottenMs = Number.NEGATIVE_INFINITY;
  /** Up to here an arrival lies within the horizon, as it was then, of an id that was let go. */
  #unsureMs = Number.NEGATIVE_INFINITY;
  /** Looking for ids to let go is worth it once this arrival time is durable. */
  #nextEvictionMs = 0;

  constructor(
    horizonMs: number,
    limits: DedupeLimits = { ids: LIMITS.dedupeIds, idsKept: LIMITS.dedupeIdsKept },
  ) {
    this.#horizonMs = horizonMs;
    this.#limits = limits;
  }

  get size(): number {
    return this.#table.count;
  }

  /** The newest arrival of a durable event of the partition. */
  get newestArrivalMs(): number {
    return this.#newestArrivalMs;
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  claim(id: string, arrivalMs: number, hash = hashId(id)): Claim {
    const entry = this.#table.find(id, hash);
    if (entry >= 0 && arrivalMs - this.#table.numberOf(entry) <= this.#horizonMs) {
      return 'duplicate';
    }
    // An entry that is held is the newest of its id, so it alone decides.
    if (entry < 0 && this.#isUnsure(arrivalMs)) return 'forgotten';
    // Time goes on even while there is no room for any event that would tell of it.
    if (this.#isFull(id)) this.#evict(Math.max(this.#newestArrivalMs, arrivalMs));
    else if (this.#table.count === this.#table.capacity) this.#evict(this.#newestArrivalMs);
    if (this.#isFull(id)) return 'full';
    this.#table.add(id, hash, arrivalMs);
    return 'fresh';
  }

  /**
   * As `claim`, of an event of the past: an id that is held makes it a duplicate, however old.
   * `held`: taken, and remembered; `fresh`: taken, and of an age that nothing can repeat.
   * @param nowMs what comes live arrives no earlier; -1 where that is open
   */
  claimPast(id: string, arrivalMs: number, nowMs: number, hash = hashId(id)): Claim | 'held' {
    if (this.#table.find(id, hash) >= 0) return 'duplicate';
    const asOfMs = Math.max(this.#newestArrivalMs, nowMs);
    if (asOfMs - arrivalMs > this.#horizonMs && this.#table.count >= this.#limits.idsKept) {
      this.#forgottenMs = Math.max(this.#forgottenMs, arrivalMs);
      this.#unsureMs = Math.max(this.#unsureMs, arrivalMs + this.#horizonMs);
      return 'fresh';
    }
    if (this.#isFull(id)) this.#evict(asOfMs);
    else if (this.#table.count === this.#table.capacity) this.#evict(this.#newestArrivalMs);
    if (this.#isFull(id)) return 'full';
    this.#table.add(id, hash, arrivalMs);
    return 'held';
  }

  /** A longer horizon asks for no more than was kept before it: it applies from the change on. */
  #isUnsure(arrivalMs: number): boolean {
    return arrivalMs <= this.#unsureMs && arrivalMs - this.#horizonMs <= this.#forgottenMs;
  }

  #isFull(id: string): boolean {
    return this.#table.count >= this.#limits.ids || !this.#table.hasRoom(id.length);
  }

  /** The oldest `count` claims that were not yet final are now. */
  confirm(count: number, newestArrivalMs: number): void {
    this.#durableCount += count;
    this.#newestArrivalMs = Math.max(this.#newestArrivalMs, newestArrivalMs);
    this.#table.settle(this.#durableCount);
  }

  /** Claims that are not yet final. */
  get pending(): number {
    return this.#table.count - this.#durableCount;
  }

  /** Takes back the newest claims until no more than `pending` are left that are not final. */
  rollback(pending = 0): void {
    while (this.pending > pending) this.#table.removeLast();
  }

  /** Lets go of ids that no event arriving from now on in order can repeat. */
  #evict(asOfMs: number): void {
    const floorMs = asOfMs - this.#horizonMs;
    if (this.#durableCount < this.#limits.idsKept || asOfMs < this.#nextEvictionMs) return;
    // Often enough to stay small, and seldom enough that the copying does not count.
    this.#nextEvictionMs = asOfMs + Math.max(1, this.#horizonMs / 16);
    if (!this.#hasOlder(floorMs)) return;
    const kept = new IdTable();
    let durable = 0;
    let forgottenMs = Number.NEGATIVE_INFINITY;
    for (let entry = 0; entry < this.#table.count; entry++) {
      const arrivalMs = this.#table.numberOf(entry);
      if (entry < this.#durableCount && arrivalMs < floorMs) {
        if (arrivalMs > forgottenMs) forgottenMs = arrivalMs;
        continue;
      }
      if (entry < this.#durableCount) durable += 1;
      kept.addFrom(this.#table, entry);
    }
    kept.settle(durable);
    this.#table = kept;
    this.#durableCount = durable;
    this.#forgottenMs = Math.max(this.#forgottenMs, forgottenMs);
    this.#unsureMs = Math.max(this.#unsureMs, forgottenMs + this.#horizonMs);
  }

  #hasOlder(floorMs: number): boolean {
    for (let entry = 0; entry < this.#durableCount; entry++) {
      if (this.#table.numberOf(entry) < floorMs) return true;
    }
    return false;
  }

  /** The final claims, with all that is needed to go on from them. */
  encode(writer: ByteWriter): void {
    writer.f64(this.#newestArrivalMs);
    const keepAll = this.#durableCount <= this.#limits.idsKept;
    const floorMs = keepAll ? Number.NEGATIVE_INFINITY : this.#newestArrivalMs - this.#horizonMs;
    let forgottenMs = Number.NEGATIVE_INFINITY;
    const body = new ByteWriter(1 << 12);
    this.#table.encode(body, this.#durableCount, (entry) => {
      const arrivalMs = this.#table.numberOf(entry);
      const kept = arrivalMs >= floorMs;
      if (!kept && arrivalMs > forgottenMs) forgottenMs = arrivalMs;
      return kept;
    });
    writer.f64(Math.max(this.#forgottenMs, forgottenMs));
    writer.f64(Math.max(this.#unsureMs, forgottenMs + this.#horizonMs));
    writer.raw(body.view());
  }

  /**
   * Takes over what `encode` wrote; only for an index that holds nothing yet.
   * @param version of the encoding; the first one does not tell the horizon of what was let go,
   * only that no later event in order can have been within it
   */
  decode(reader: ByteReader, version = INDEX_VERSION): void {
    this.#newestArrivalMs = reader.f64();
    this.#forgottenMs = reader.f64();
    this.#unsureMs = version >= 2 ? reader.f64() : this.#newestArrivalMs - 1;
    this.#table.decode(reader);
    this.#durableCount = this.#table.count;
  }

  /** A logged event, while the index is rebuilt; `confirm` then tells how far the partition is. */
  restore(id: string, arrivalMs: number, hash = hashId(id)): void {
    const held = this.#table.find(id, hash);
    // Another partition, where it went by another count of them, may have taken the id later.
    if (held >= 0 && this.#table.numberOf(held) >= arrivalMs) return;
    if (this.#table.count === this.#table.capacity) this.#evict(this.#newestArrivalMs);
    this.#table.add(id, hash, arrivalMs);
    this.confirm(1, -1);
  }

  /** Calls for each id with its newest arrival. */
  each(visit: (id: string, hash: number, arrivalMs: number) => void): void {
    const table = this.#table;
    const visible = table.visible(table.count);
    for (let entry = 0; entry < table.count; entry++) {
      if (visible[entry] === 0) continue;
      visit(table.idAt(entry), table.hashOf(entry), table.numberOf(entry));
    }
  }

  /** Lets go of ids as if they had never come; only where all claims are final. Answers how many. */
  remove(isGone: (id: string) => boolean): number {
    const table = this.#table;
    const kept = new IdTable();
    for (let entry = 0; entry < table.count; entry++) {
      if (!isGone(table.idAt(entry))) kept.addFrom(table, entry);
    }
    kept.settle(kept.count);
    this.#table = kept;
    this.#durableCount = kept.count;
    return table.count - kept.count;
  }

  /** Whether all ids are ones that `belongs` wants, by their hashes. */
  every(belongs: (hash: number) => boolean): boolean {
    for (let entry = 0; entry < this.#table.count; entry++) {
      if (!belongs(this.#table.hashOf(entry))) return false;
    }
    return true;
  }

  /** Copies the ids, all of them final, to those among `homes` that `homeOf` says by their hashes. */
  spread(homes: readonly DedupeIndex[], homeOf: (hash: number) => number): void {
    const table = this.#table;
    for (let entry = 0; entry < table.count; entry++) {
      const home = homes[homeOf(table.hashOf(entry))];
      if (home !== undefined) home.#take(table, entry);
    }
    // What was let go may have belonged to any of them.
    for (const home of homes) {
      home.#forgottenMs = Math.max(home.#forgottenMs, this.#forgottenMs);
      home.#unsureMs = Math.max(home.#unsureMs, this.#unsureMs);
    }
  }

  #take(table: IdTable, entry: number): void {
    const held = this.#table.findFrom(table, entry);
    if (held >= 0 && this.#table.numberOf(held) >= table.numberOf(entry)) return;
    this.#table.addFrom(table, entry);
    this.confirm(1, -1);
  }
}
