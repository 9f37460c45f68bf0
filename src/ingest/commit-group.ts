import type { ByteWriter } from '../base/bytes.ts';
import type { EventBatch } from '../schema/batch.ts';
import { encodeBatch } from '../schema/batch-codec.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type LogNote, writeNote } from './log-note.ts';
import { FRAME_PREFIX, type FramePlace, type PartitionState, sealFrame } from './segment.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Frames that become durable together, and those who wait for them. */
export class CommitGroup {
  readonly writer: ByteWriter;
  readonly batches: EventBatch[] = [];
  /** By index of the batch that they came with. */
  readonly #notes = new Map<number, LogNote>();
  readonly #frames: FramePlace[] = [];
  readonly #waiters: Waiter[] = [];

  /** @param writer an empty one; the group owns it until it is done */
  constructor(writer: ByteWriter) {
    this.writer = writer;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** @param note null unless the append brings one; `continues`: it goes on in the next batch */
  add(
    batch: EventBatch,
    schema: SourceSchema,
    note: LogNote | null = null,
    continues = false,
  ): void {
    const start = this.writer.length;
    for (let i = 0; i < FRAME_PREFIX; i++) this.writer.u8(0);
    encodeBatch(batch, schema, this.writer);
    if (note !== null) {
      writeNote(this.writer, note);
      this.#notes.set(this.batches.length, note);
    }
    const [noted, imported] = [note !== null, batch.imported === true];
    this.#frames.push({ start, end: this.writer.length, continues, noted, imported });
    this.batches.push(batch);
  }

  /** The notes in the order of their appends. */
  notes(): Iterable<LogNote> {
    return this.#notes.values();
  }

  /** Takes back all but the first `count` batches, and whatever an unfinished one left. */
  keep(count: number): void {
    for (let i = count; i < this.batches.length; i++) this.#notes.delete(i);
    this.#frames.length = count;
    this.batches.length = count;
    this.writer.truncate(this.#frames.at(-1)?.end ?? 0);
  }

  /** The bytes to write, each frame complete with its length and checksum. */
  seal(): Uint8Array {
    this.#frames.forEach((place, lag) => {
      sealFrame(this.writer, place, lag);
    });
    return this.writer.view();
  }

  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  resolve(): void {
    for (const waiter of this.#waiters) waiter.resolve();
  }

  reject(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}

/** Where a partition stands once the batch is in it. */
export function advancePast(state: PartitionState, batch: EventBatch): void {
  state.nextOffset = batch.firstOffset + batch.count;
  const times = batch.arrivalTimeMs;
  for (let i = 0; i < times.length; i++) {
    const arrival = times[i] as number;
    if (arrival > state.newestArrivalMs) state.newestArrivalMs = arrival;
  }
}
