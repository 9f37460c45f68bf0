import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { readBigInt64s, readFloat64s, readUint32s, writeArray } from '../schema/block-codec.ts';

/** What a logged row of a change stream leaves behind for its id. */
export interface LoggedRow {
  readonly arrivalMs: number;
  /** Whether the row is an event; else it took one back. */
  readonly live: boolean;
  /** Where the event is, with its effective time; of no meaning for a row that took one back. */
  readonly partition: number;
  readonly offset: number;
  readonly eventTimeMs: number;
  /** Null where the source has none. */
  readonly sequence: bigint | null;
  /** The columns; empty once they are no longer held. A view of memory that the next row may move. */
  readonly bytes: Uint8Array;
}

const LIVE = 1;
const HAS_SEQUENCE = 2;
/** Bytes of a row beside those of its columns. */
const FIXED_BYTES = 33;

/** Rows by number, column by column, with the bytes of their columns in one arena. */
export class RowStore {
  #count = 0;
  #flags = new Uint8Array(32);
  #partitions = new Uint32Array(32);
  #offsets = new Float64Array(32);
  #eventTimes = new Float64Array(32);
  #sequences = new BigInt64Array(32);
  /** Row i has its bytes at `#starts[i]` up to `#starts[i + 1]`. */
  #starts = new Uint32Array(33);
  #arena = new Uint8Array(1024);

  /** Bytes of columns. */
  get held(): number {
    return this.#starts[this.#count] as number;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#flags.length * FIXED_BYTES + this.#arena.length;
  }

  add({ live, partition, offset, eventTimeMs, sequence, bytes }: LoggedRow): void {
    if (this.#count === this.#flags.length) this.#resize(this.#count * 2);
    const row = this.#count;
    this.#flags[row] = (live ? LIVE : 0) | (sequence === null ? 0 : HAS_SEQUENCE);
    this.#partitions[row] = partition;
    this.#offsets[row] = offset;
    this.#eventTimes[row] = eventTimeMs;
    this.#sequences[row] = sequence ?? 0n;
    const start = this.#room(bytes.length);
    this.#arena.set(bytes, start);
    this.#count += 1;
    this.#starts[this.#count] = start + bytes.length;
  }

  addFrom(other: RowStore, row: number, withColumns: boolean): void {
    const copy = other.read(row, 0);
    this.add(withColumns ? copy : { ...copy, bytes: copy.bytes.subarray(0, 0) });
  }

  read(row: number, arrivalMs: number): LoggedRow {
    const flags = this.#flags[row] as number;
    return {
      arrivalMs,
      live: (flags & LIVE) !== 0,
      partition: this.#partitions[row] as number,
      offset: this.#offsets[row] as number,
      eventTimeMs: this.#eventTimes[row] as number,
      sequence: (flags & HAS_SEQUENCE) === 0 ? null : (this.#sequences[row] as bigint),
      bytes: this.#arena.subarray(this.#starts[row], this.#starts[row + 1]),
    };
  }

  /** Takes the rows from `count` on away. */
  truncate(count: number): void {
    this.#count = count;
  }

  encode(writer: ByteWriter): void {
    const count = this.#count;
    writer.raw(this.#flags.subarray(0, count));
    writeArray(writer, this.#partitions.subarray(0, count));
    writeArray(writer, this.#offsets.subarray(0, count));
    writeArray(writer, this.#eventTimes.subarray(0, count));
    writeArray(writer, this.#sequences.subarray(0, count));
    writeArray(writer, this.#starts.subarray(0, count + 1));
    writer.raw(this.#arena.subarray(0, this.held));
  }

  /** Takes over what `encode` wrote of `count` rows; only for an empty store. */
  decode(reader: ByteReader, count: number, translate: (bytes: Uint8Array) => Uint8Array): void {
    const flags = reader.raw(count);
    const partitions = readUint32s(reader, count);
    const offsets = readFloat64s(reader, count);
    const eventTimes = readFloat64s(reader, count);
    const sequences = readBigInt64s(reader, count);
    const starts = readUint32s(reader, count + 1);
    const arena = reader.raw(starts[count] as number);
    for (let row = 0; row < count; row++) {
      const written = arena.subarray(starts[row], starts[row + 1]);
      const own = flags[row] as number;
      this.add({
        arrivalMs: 0,
        live: (own & LIVE) !== 0,
        partition: partitions[row] as number,
        offset: offsets[row] as number,
        eventTimeMs: eventTimes[row] as number,
        sequence: (own & HAS_SEQUENCE) === 0 ? null : (sequences[row] as bigint),
        bytes: written.length === 0 ? written : translate(written),
      });
    }
  }

  #room(size: number): number {
    const at = this.held;
    if (at + size > this.#arena.length) {
      const grown = new Uint8Array(Math.max(at + size, this.#arena.length * 2));
      grown.set(this.#arena.subarray(0, at));
      this.#arena = grown;
    }
    return at;
  }

  #resize(capacity: number): void {
    this.#flags = grown(new Uint8Array(capacity), this.#flags);
    this.#partitions = grown(new Uint32Array(capacity), this.#partitions);
    this.#offsets = grown(new Float64Array(capacity), this.#offsets);
    this.#eventTimes = grown(new Float64Array(capacity), this.#eventTimes);
    const sequences = new BigInt64Array(capacity);
    sequences.set(this.#sequences);
    this.#sequences = sequences;
    this.#starts = grown(new Uint32Array(capacity + 1), this.#starts);
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(into: T, from: T): T {
  into.set(from);
  return into;
}
