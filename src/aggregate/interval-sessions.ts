import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { RowTiles } from './compaction.ts';
import { SECOND, type SessionRange, type SessionRows } from './session-rows.ts';
import type { TileRows } from './tile-rows.ts';

/** Sessions of events that are final: each is `[firstMs, lastMs, ...words]`. */
export class IntervalSessions implements SessionRows {
  reachMs = Number.NEGATIVE_INFINITY;
  readonly #gapMs: number;

  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }

  cover(): void {}

  reset(): void {}

  secondOf(timeMs: number): number {
    return timeMs;
  }

  extend({ newest, words }: TileRows, row: number, timeMs: number): number {
    const session = newest[row] as number;
    if (session < 0 || timeMs < (words[session] as number)) return -1;
    const lastMs = words[session + SECOND] as number;
    if (timeMs - lastMs > this.#gapMs) return -1;
    if (timeMs > lastMs) words[session + SECOND] = timeMs;
    return session;
  }

  /** Joins every session that the span touches, is within the gap of, or lies between. */
  place(rows: TileRows, row: number, firstMs: number, lastMs: number): number {
    const { words, stride } = rows;
    const base = rows.base(row);
    const gapMs = this.#gapMs;
    let to = rows.count(row);
    while (to > 0 && (words[base + (to - 1) * stride] as number) - lastMs > gapMs) to--;
    let from = to;
    while (from > 0 && firstMs - (words[base + (from - 1) * stride + SECOND] as number) <= gapMs) {
      from--;
    }
    if (from === to) {
      const session = rows.insert(row, firstMs);
      rows.words[session + SECOND] = lastMs;
      return session;
    }
    const session = base + from * stride;
    const endMs = words[base + (to - 1) * stride + SECOND] as number;
    rows.join(row, from, to);
    words[session] = Math.min(words[session] as number, firstMs);
    words[session + SECOND] = Math.max(endMs, lastMs);
    return session;
  }

  read(rows: TileRows, row: number, timeMs: number, range: SessionRange): void {
    const count = row < 0 ? 0 : rows.count(row);
    const newest = row < 0 ? -1 : (rows.newest[row] as number);
    const endMs = newest < 0 ? Number.NEGATIVE_INFINITY : this.#endMs(rows, newest);
    const isOpen = timeMs <= endMs;
    range.from = isOpen ? count - 1 : 0;
    range.to = isOpen ? count : 0;
    range.isLacking = false;
    range.untilMs = isOpen ? endMs + 1 : Number.POSITIVE_INFINITY;
  }

  /** The last time at which a session is read. */
  #endMs({ words }: TileRows, session: number): number {
    return (words[session + SECOND] as number) + this.#gapMs;
  }

  isExpired({ newest, words }: TileRows, row: number): boolean {
    const session = newest[row] as number;
    return session < 0 || (words[session + SECOND] as number) < this.reachMs;
  }

  expired(rows: RowTiles, row: number): number {
    const { words, stride } = rows;
    const base = rows.base(row);
    const count = rows.count(row);
    let expired = 0;
    while (expired < count && (words[base + expired * stride + SECOND] as number) < this.reachMs) {
      expired++;
    }
    return expired;
  }

  /** Sessions are joined by events, never by age. */
  nextCut(): number {
    return Number.NEGATIVE_INFINITY;
  }

  absorb(): void {}

  writeRow(): void {}

  readRow(): void {}

  writeSecond(firstMs: number, lastMs: number, writer: ByteWriter): void {
    writer.varint(lastMs - firstMs);
  }

  readSecond(firstMs: number, reader: ByteReader): number {
    return firstMs + reader.varint();
  }
}
