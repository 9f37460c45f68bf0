import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Compaction } from './compaction.ts';
import type { TileRows } from './tile-rows.ts';

/** Words of a session, or of a part of one, before those of its kernels. */
export const SESSION_HEAD = 2;
/** Where the second word stands. */
export const SECOND = 1;

/** The parts of a row that the session at a time consists of, and what else is known of it. */
export interface SessionRange {
  /** Indexes of the first part and of the one after the last; equal where there is no session. */
  from: number;
  to: number;
  /** Whether the session may go on among what is kept no more. */
  isLacking: boolean;
  /** The first later time at which all of this may be different with no new event. */
  untilMs: number;
}

/** How the sessions of a key are held: as intervals, or time by time where they can be taken back. */
export interface SessionRows extends Compaction {
  /** What ended before this can neither be read nor be joined any more; -Infinity at first. */
  reachMs: number;
  /** Makes room for what is kept of rows below `limit`. */
  cover(limit: number): void;
  /** Forgets what is kept of a row beside its parts. */
  reset(row: number): void;
  /** Address of the newest part if the event only lengthens it, else -1: nothing has changed then. */
  extend(rows: TileRows, row: number, timeMs: number, weight: number): number;
  /** Address of the part that holds a span of events, joined or made; -1 where it is not kept. */
  place(rows: TileRows, row: number, startMs: number, second: number): number;
  /** The second word of a part that holds one event alone. */
  secondOf(timeMs: number, weight: number): number;
  read(rows: TileRows, row: number, timeMs: number, range: SessionRange): void;
  isExpired(rows: TileRows, row: number): boolean;
  /** Takes over what another table keeps of a row beside its parts. */
  absorb(rows: TileRows, row: number, other: SessionRows, otherRow: number): void;
  writeRow(row: number, writer: ByteWriter): void;
  readRow(row: number, reader: ByteReader): void;
  writeSecond(startMs: number, second: number, writer: ByteWriter): void;
  readSecond(startMs: number, reader: ByteReader): number;
}
