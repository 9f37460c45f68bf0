import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { IdTable } from './id-table.ts';
import { type LoggedRow, RowStore } from './row-store.ts';

export interface LiveHorizons {
  /** So long after its arrival an event can be taken back, so its columns are held. */
  readonly eventMs: number;
  /** So long after its last row an id is known. */
  readonly idMs: number;
}

export interface LiveLimits {
  /** More rows than this, and more bytes of their columns, are never held. */
  readonly rows: number;
  readonly bytes: number;
  /** Up to so many, all is held however old it is. */
  readonly rowsKept: number;
  readonly bytesKept: number;
}

/** Fewer rows than this are not worth tidying up. */
const FEW_ROWS = 64;
const FEW_BYTES = 1 << 16;

/**
 * The newest logged row of each id of one partition of a change stream: the event that a change
 * can take back, or that none is left. Rows become final with their log commit, or are all taken
 * back if the log fails; they are let go by the arrival of durable rows only, so taking back is
 * exact, and what is left is the same however often it was written down and read.
 */
export class LiveRows {
  readonly #horizons: LiveHorizons;
  readonly #limits: LiveLimits;
  #ids = new IdTable();
  /** Entry i of the table has row i. */
  #rows = new RowStore();
  #durableCount = 0;
  #newestArrivalMs = -1;
  /** The newest arrival of an id that was let go. */
  #forgottenMs = Number.NEGATIVE_INFINITY;
  /** Up to here an arrival lies within the horizon, as it was then, of an id that was let go. */
  #unsureMs = Number.NEGATIVE_INFINITY;
  #tidyAtRows = FEW_ROWS;
  #tidyAtBytes = FEW_BYTES;
  #tidiedMs = Number.NEGATIVE_INFINITY;
  #tidiedDurable = 0;

  constructor(horizons: LiveHorizons, limits: LiveLimits) {
    this.#horizons = horizons;
    this.#limits = limits;
  }

  /** Ids that are known, some of them perhaps more than once until they are tidied up. */
  get size(): number {
    return this.#ids.count;
  }

  get bytes(): number {
    return this.#ids.bytes + this.#rows.bytes;
  }

  get newestArrivalMs(): number {
    return this.#newestArrivalMs;
  }

  /** Rows that are not yet final. */
  get pending(): number {
    return this.#ids.count - this.#durableCount;
  }

  /** The id's newest row, however old; `forgotten` where it may have been let go; null: none. */
  find(id: string, hash: number, arrivalMs: number): LoggedRow | 'forgotten' | null {
    const entry = this.#ids.find(id, hash);
    if (entry >= 0) return this.#rows.read(entry, this.#ids.numberOf(entry));
    const unsure = arrivalMs <= this.#unsureMs;
    return unsure && arrivalMs - this.#horizons.idMs <= this.#forgottenMs ? 'forgotten' : null;
  }

  /**
   * Whether two more rows of this id would find room, with so many bytes of columns.
   * @param arrivalMs that of the rows: time goes on even while there is no room for any
   */
  hasRoom(id: string, bytes: number, arrivalMs: number): boolean {
    const limits = this.#limits;
    const rows = this.#ids.count + 2;
    const held = this.#rows.held + bytes;
    if (rows > limits.rows || held > limits.bytes) {
      this.#tidyUp(Math.max(this.#newestArrivalMs, arrivalMs));
    } else if (rows > this.#tidyAtRows || held > this.#tidyAtBytes) {
      this.#tidyUp(this.#newestArrivalMs);
    }
    // What only takes an event back makes room in the end, so it may go a little further.
    const most = bytes === 0 ? limits.rows * 1.125 : limits.rows;
    if (this.#ids.count + 2 > most || !this.#ids.hasRoom(2 * id.length + 1)) return false;
    return bytes === 0 || this.#rows.held + bytes <= limits.bytes;
  }

  /** A row that the log is about to get. */
  add(id: string, hash: number, row: LoggedRow): void {
    this.#ids.add(id, hash, row.arrivalMs);
    this.#rows.add(row);
  }

  /** The oldest `count` rows that were not yet final are now. */
  confirm(count: number, newestArrivalMs: number): void {
    this.#durableCount += count;
    this.#newestArrivalMs = Math.max(this.#newestArrivalMs, newestArrivalMs);
    this.#ids.settle(this.#durableCount);
  }

  /** Takes back the newest rows until no more than `pending` are left that are not final. */
  rollback(pending = 0): void {
    while (this.pending > pending) this.#ids.removeLast();
    this.#rows.truncate(this.#ids.count);
  }

  /** A logged row, while all is rebuilt; `confirm` then tells how far the partition is. */
  restore(id: string, hash: number, row: LoggedRow): void {
    this.hasRoom(id, row.bytes.length, row.arrivalMs);
    this.add(id, hash, row);
    this.confirm(1, -1);
  }

  /** Keeps the newest row of each id that is still known, if that can gain anything. */
  #tidyUp(asOfMs: number): void {
    const sinceMs = asOfMs - this.#tidiedMs;
    const since = this.#durableCount - this.#tidiedDurable;
    const isSoon = sinceMs < Math.max(1, this.#horizons.eventMs / 16);
    if (since <= this.#durableCount / 16 && isSoon) return;
    const kept = this.#copy(this.#ids.count, asOfMs);
    this.#ids = kept.#ids;
    this.#rows = kept.#rows;
    this.#durableCount = kept.#durableCount;
    this.#forgottenMs = kept.#forgottenMs;
    this.#unsureMs = kept.#unsureMs;
    this.#tidiedMs = asOfMs;
    this.#tidiedDurable = this.#durableCount;
    this.#tidyAtRows = Math.max(FEW_ROWS, Math.ceil(this.#ids.count * 1.5));
    this.#tidyAtBytes = Math.max(FEW_BYTES, Math.ceil(this.#rows.held * 1.5));
  }

  /** The first `limit` rows without those that others hide or that are let go. */
  #copy(limit: number, asOfMs: number): LiveRows {
    const kept = new LiveRows(this.#horizons, this.#limits);
    const visible = this.#ids.visible(Math.min(limit, this.#durableCount));
    const { eventMs, idMs } = this.#horizons;
    const keepsIds = this.#durableCount <= this.#limits.rowsKept;
    const keepsColumns = keepsIds && this.#rows.held <= this.#limits.bytesKept;
    const floorMs = keepsIds ? Number.NEGATIVE_INFINITY : asOfMs - idMs;
    const columnsMs = keepsColumns ? Number.NEGATIVE_INFINITY : asOfMs - eventMs;
    kept.#forgottenMs = this.#forgottenMs;
    kept.#unsureMs = this.#unsureMs;
    kept.#newestArrivalMs = this.#newestArrivalMs;
    for (let entry = 0; entry < limit; entry++) {
      const arrivalMs = this.#ids.numberOf(entry);
      if (entry < this.#durableCount) {
        if (visible[entry] === 0) continue;
        if (arrivalMs < floorMs) {
          kept.#forget(arrivalMs, arrivalMs + idMs);
          continue;
        }
        kept.#durableCount += 1;
      }
      kept.#ids.addFrom(this.#ids, entry);
      kept.#rows.addFrom(this.#rows, entry, entry >= this.#durableCount || arrivalMs >= columnsMs);
    }
    kept.#ids.settle(kept.#durableCount);
    return kept;
  }

  #forget(arrivalMs: number, unsureMs: number): void {
    this.#forgottenMs = Math.max(this.#forgottenMs, arrivalMs);
    this.#unsureMs = Math.max(this.#unsureMs, unsureMs);
  }

  /** The final rows, with all that is needed to go on from them. */
  encode(writer: ByteWriter): void {
    const kept = this.#copy(this.#durableCount, this.#newestArrivalMs);
    writer.f64(kept.#newestArrivalMs);
    writer.f64(kept.#forgottenMs);
    writer.f64(kept.#unsureMs);
    kept.#ids.encode(writer, kept.#ids.count, () => true);
    kept.#rows.encode(writer);
  }

  /**
   * Takes over what `encode` wrote; only for one that holds nothing yet.
   * @param translate makes today's columns of those that were written
   */
  decode(reader: ByteReader, translate: (bytes: Uint8Array) => Uint8Array): void {
    this.#newestArrivalMs = reader.f64();
    this.#forgottenMs = reader.f64();
    this.#unsureMs = reader.f64();
    this.#ids.decode(reader);
    this.#rows.decode(reader, this.#ids.count, translate);
    this.#durableCount = this.#ids.count;
  }

  /** Lets go of ids as if they had never come; only where all rows are final. Answers how many. */
  remove(isGone: (id: string) => boolean): number {
    const [ids, rows] = [this.#ids, this.#rows];
    this.#ids = new IdTable();
    this.#rows = new RowStore();
    for (let entry = 0; entry < ids.count; entry++) {
      if (isGone(ids.idAt(entry))) continue;
      this.#ids.addFrom(ids, entry);
      this.#rows.addFrom(rows, entry, true);
    }
    this.#durableCount = this.#ids.count;
    this.#ids.settle(this.#durableCount);
    return ids.count - this.#ids.count;
  }

  /** Whether all ids are ones that `belongs` wants, by their hashes. */
  every(belongs: (hash: number) => boolean): boolean {
    for (let entry = 0; entry < this.#ids.count; entry++) {
      if (!belongs(this.#ids.hashOf(entry))) return false;
    }
    return true;
  }

  /** Copies the rows, all of them final, to those among `homes` that `homeOf` says by their hashes. */
  spread(homes: readonly LiveRows[], homeOf: (hash: number) => number): void {
    for (let entry = 0; entry < this.#ids.count; entry++) {
      const home = homes[homeOf(this.#ids.hashOf(entry))];
      if (home === undefined) continue;
      home.#ids.addFrom(this.#ids, entry);
      home.#rows.addFrom(this.#rows, entry, true);
      home.confirm(1, -1);
    }
    // What was let go may have belonged to any of them.
    for (const home of homes) home.#forget(this.#forgottenMs, this.#unsureMs);
  }
}
