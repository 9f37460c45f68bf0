import { assert, present } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { IntervalSessions } from './interval-sessions.ts';
import type { FoldRanges } from './kernel.ts';
import { NodeSessions } from './node-sessions.ts';
import { RowTable } from './row-table.ts';
import { sessionReachMs } from './session-reach.ts';
import { SECOND, SESSION_HEAD, type SessionRange, type SessionRows } from './session-rows.ts';
import type { KernelInput, TileSpec } from './spec.ts';
import type { WindowTable } from './window-table.ts';

/**
 * The sessions of one group, row by row (semantics §5). Every event of a row counts for its chains,
 * whether or not it passes a lane. A session goes once it can neither be read nor be joined by what
 * may still arrive: that is known from `settledMs` of its events, and not from any clock.
 */
export class SessionTable extends RowTable implements WindowTable {
  protected readonly ranges: FoldRanges;
  readonly #sessions: SessionRows;
  readonly #reachMs: number;
  #nowMs = 0;
  readonly #range: SessionRange = { from: 0, to: 0, isLacking: false, untilMs: 0 };
  readonly #later: SessionRange = { from: 0, to: 0, isLacking: false, untilMs: 0 };

  constructor(spec: TileSpec) {
    const sessions = sessionRowsOf(spec);
    super(spec, sessions, SESSION_HEAD);
    this.#sessions = sessions;
    this.#reachMs = sessionReachMs(gapOf(spec), spec.latenessMs);
    const one = (value: number): Int32Array => Int32Array.of(value);
    this.ranges = {
      count: 1,
      stride: this.rows.stride,
      tops: one(0),
      stops: one(0),
      restarts: Uint8Array.of(1),
      outs: one(0),
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get isLacking(): boolean {
    return this.#range.isLacking;
  }

  advanceTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  override add(input: KernelInput, rows: Int32Array): void {
    super.add(input, rows);
    const reachMs = (input.settledMs ?? Number.NEGATIVE_INFINITY) - this.#reachMs;
    this.#sessions.reachMs = Math.max(this.#sessions.reachMs, reachMs);
  }

  override createRow(): number {
    const row = super.createRow();
    this.#sessions.cover(row + 1);
    this.#sessions.reset(row);
    return row;
  }

  isExpired(row: number): boolean {
    return this.#sessions.isExpired(this.rows, row);
  }

  protected findTiles(input: KernelInput, rows: Int32Array, end: number): void {
    const { eventTimeMs } = input;
    const { addresses } = this.lanes;
    const { watched } = this;
    const versions = this.versions.ofRow;
    const weights = input.retractions?.weights ?? null;
    const sessions = this.#sessions;
    for (let i = this.passFrom; i < end; i++) {
      const row = rows[i] as number;
      addresses[i] = -1;
      if (row < 0) continue;
      versions[row] = (versions[row] as number) + 1;
      if (watched[row] !== 0) {
        this.update(input, i);
        this.announce(row);
      }
      const timeMs = eventTimeMs[i] as number;
      const weight = weights === null ? 1 : (weights[i] as number);
      const address = sessions.extend(this.rows, row, timeMs, weight);
      if (address >= 0) {
        addresses[i] = address;
        continue;
      }
      // Sessions may be joined and moved, so what waits for their old addresses comes first.
      if (this.isPending(row, i)) this.update(input, i);
      addresses[i] = sessions.place(this.rows, row, timeMs, sessions.secondOf(timeMs, weight));
    }
  }

  query(row: number, timeMs: number): void {
    assert(timeMs >= this.#nowMs, `a query at ${timeMs} comes at or after the newest arrival`);
    const { stride } = this.rows;
    const range = this.#range;
    this.#sessions.read(this.rows, row, timeMs, range);
    const base = range.to === 0 ? 0 : this.rows.base(row);
    this.ranges.tops[0] = base + (range.to - 1) * stride;
    this.ranges.stops[0] = base + range.from * stride;
    this.startQuery(timeMs);
  }

  holdsUntilMs(row: number, timeMs: number): number {
    this.#sessions.read(this.rows, row, timeMs, this.#later);
    return this.#later.untilMs;
  }

  mergeRow(row: number, other: WindowTable, otherRow: number): void {
    assert(other instanceof SessionTable && other !== this, 'a row is merged from another table');
    this.startChange(row);
    this.advanceTo(other.nowMs);
    const { words, stride } = other.rows;
    const base = other.rows.base(otherRow);
    const count = other.rows.count(otherRow);
    this.#sessions.absorb(this.rows, row, other.#sessions, otherRow);
    for (let i = 0; i < count; i++) {
      const from = base + i * stride;
      const startMs = words[from] as number;
      const second = words[from + SECOND] as number;
      const part = this.#sessions.place(this.rows, row, startMs, second);
      if (part < 0) continue;
      for (const kernel of this.kernels) {
        kernel.absorb(words, from, other.slots, this.rows.words, part);
      }
    }
  }

  encodeRow(row: number, writer: ByteWriter): void {
    this.compactRow(row);
    const { words, stride } = this.rows;
    const base = this.rows.base(row);
    const count = this.rows.count(row);
    writer.varint(count);
    this.#sessions.writeRow(row, writer);
    let beforeMs = 0;
    for (let i = 0; i < count; i++) {
      const part = base + i * stride;
      const startMs = words[part] as number;
      writer.varint(startMs - beforeMs);
      this.#sessions.writeSecond(startMs, words[part + SECOND] as number, writer);
      for (const kernel of this.kernels) kernel.encode(words, part, writer);
      beforeMs = startMs;
    }
  }

  decodeRow(row: number, reader: ByteReader): void {
    this.startChange(row);
    this.rows.clear(row);
    const count = reader.varint();
    this.#sessions.readRow(row, reader);
    this.rows.reserve(row, count);
    let startMs = 0;
    for (let i = 0; i < count; i++) {
      startMs += reader.varint();
      const part = this.rows.insert(row, startMs);
      this.rows.words[part + SECOND] = this.#sessions.readSecond(startMs, reader);
      for (const kernel of this.kernels) kernel.decode(this.rows.words, part, reader);
    }
  }
}

function gapOf(spec: TileSpec): number {
  const [window] = spec.windows;
  assert(window?.kind === 'session' && spec.windows.length === 1, 'sessions stand alone');
  return window.gapMs;
}

function sessionRowsOf(spec: TileSpec): SessionRows {
  const gapMs = gapOf(spec);
  if (spec.retractable !== true) return new IntervalSessions(gapMs);
  return new NodeSessions(gapMs, present(spec.keep, 'what can be taken back is kept'));
}
