import { assert } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { RowTiles } from './compaction.ts';
import { SECOND, type SessionRange, type SessionRows } from './session-rows.ts';
import type { TileRows } from './tile-rows.ts';
import { readWord, writeWord } from './word-codec.ts';

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Sessions of events that can be taken back: a part for each of the newest `keep` times at which
 * there ever was an event, `[timeMs, events left, ...words]`. Taking an event back may break a chain,
 * so the chain is only found when it is read. Of older times only the newest is remembered: a
 * session that comes within the gap of it may go on among them.
 */
export class NodeSessions implements SessionRows {
  reachMs = NEVER;
  readonly #gapMs: number;
  readonly #keep: number;
  /** By row: the newest time that is kept no more. */
  #droppedMs = new Float64Array(16).fill(NEVER);

  constructor(gapMs: number, keep: number) {
    assert(keep > 0, 'a session that can be taken back keeps some times');
    this.#gapMs = gapMs;
    this.#keep = keep;
  }

  cover(limit: number): void {
    if (limit <= this.#droppedMs.length) return;
    const grown = new Float64Array(Math.max(limit, this.#droppedMs.length * 2)).fill(NEVER);
    grown.set(this.#droppedMs);
    this.#droppedMs = grown;
  }

  reset(row: number): void {
    this.#droppedMs[row] = NEVER;
  }

  secondOf(_timeMs: number, weight: number): number {
    return weight;
  }

  extend({ newest, words }: TileRows, row: number, timeMs: number, weight: number): number {
    const node = newest[row] as number;
    if (node < 0 || words[node] !== timeMs) return -1;
    words[node + SECOND] = (words[node + SECOND] as number) + weight;
    return node;
  }

  place(rows: TileRows, row: number, timeMs: number, events: number): number {
    const found = rows.find(row, timeMs);
    if (found >= 0) {
      rows.words[found + SECOND] = (rows.words[found + SECOND] as number) + events;
      return found;
    }
    const oldest = this.#oldest(rows, row);
    if (oldest > 0 || rows.count(row) === this.#keep) {
      const oldestMs = rows.words[rows.base(row) + oldest * rows.stride] as number;
      if (timeMs < oldestMs) {
        this.#drop(row, timeMs);
        return -1;
      }
    }
    const node = rows.insert(row, timeMs);
    rows.words[node + SECOND] = events;
    return node;
  }

  #drop(row: number, timeMs: number): void {
    this.#droppedMs[row] = Math.max(this.#droppedMs[row] as number, timeMs);
  }

  /** Index of the oldest time that is kept: a row may hold some more until it is compacted. */
  #oldest(rows: RowTiles, row: number): number {
    return Math.max(0, rows.count(row) - this.#keep);
  }

  /** The newest time that is not kept, or `NEVER`. */
  #newestDropped(rows: RowTiles, row: number): number {
    const oldest = this.#oldest(rows, row);
    const dropped = this.#droppedMs[row] as number;
    if (oldest === 0) return dropped;
    return Math.max(dropped, rows.words[rows.base(row) + (oldest - 1) * rows.stride] as number);
  }

  read(rows: TileRows, row: number, timeMs: number, range: SessionRange): void {
    range.from = 0;
    range.to = 0;
    range.isLacking = false;
    range.untilMs = Number.POSITIVE_INFINITY;
    if (row < 0) return;
    const { words, stride } = rows;
    const base = rows.base(row);
    const gapMs = this.#gapMs;
    const oldest = this.#oldest(rows, row);
    const droppedMs = this.#newestDropped(rows, row);
    const isLive = (i: number): boolean => (words[base + i * stride + SECOND] as number) > 0;
    let last = rows.count(row) - 1;
    while (last >= oldest && !isLive(last)) last--;
    const newestMs = last < oldest ? droppedMs : (words[base + last * stride] as number);
    if (timeMs - newestMs > gapMs) return;
    range.untilMs = newestMs + gapMs + 1;
    let startMs = newestMs;
    let first = last;
    for (let i = last - 1; i >= oldest; i--) {
      if (!isLive(i)) continue;
      const nodeMs = words[base + i * stride] as number;
      if (startMs - nodeMs > gapMs) {
        range.from = first;
        range.to = last + 1;
        return;
      }
      startMs = nodeMs;
      first = i;
    }
    range.isLacking = startMs - droppedMs <= gapMs;
    if (last < oldest) return;
    range.from = first;
    range.to = last + 1;
  }

  isExpired(rows: TileRows, row: number): boolean {
    const node = rows.newest[row] as number;
    return node < 0 || (rows.words[node] as number) < this.reachMs;
  }

  /** What is beyond those kept, and every chain that ended out of reach, taken back or not. */
  expired(rows: RowTiles, row: number): number {
    const { words, stride } = rows;
    const base = rows.base(row);
    const count = rows.count(row);
    const oldest = this.#oldest(rows, row);
    this.#droppedMs[row] = this.#newestDropped(rows, row);
    let expired = oldest;
    for (let i = oldest; i < count; i++) {
      const nodeMs = words[base + i * stride] as number;
      if (nodeMs >= this.reachMs) break;
      const nextMs = i + 1 < count ? (words[base + (i + 1) * stride] as number) : -NEVER;
      if (nextMs - nodeMs > this.#gapMs) expired = i + 1;
    }
    const keptMs = expired < count ? (words[base + expired * stride] as number) : -NEVER;
    const droppedMs = this.#droppedMs[row] as number;
    if (droppedMs < this.reachMs && keptMs - droppedMs > this.#gapMs) this.reset(row);
    return expired;
  }

  nextCut(): number {
    return NEVER;
  }

  absorb(_rows: TileRows, row: number, other: SessionRows, otherRow: number): void {
    assert(other instanceof NodeSessions, 'both tables are of one spec');
    this.#drop(row, other.#droppedMs[otherRow] as number);
  }

  writeRow(row: number, writer: ByteWriter): void {
    writeWord(writer, this.#droppedMs[row] as number);
  }

  readRow(row: number, reader: ByteReader): void {
    this.#droppedMs[row] = readWord(reader);
  }

  writeSecond(_timeMs: number, events: number, writer: ByteWriter): void {
    writeWord(writer, events);
  }

  readSecond(_timeMs: number, reader: ByteReader): number {
    return readWord(reader);
  }
}
