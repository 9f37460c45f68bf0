import type { ByteWriter } from '../base/bytes.ts';
import type { EventBatch } from '../schema/batch.ts';
import { encodeBatch } from '../schema/batch-codec.ts';
import type { SourceSchema } from '../schema/types.ts';
import { FRAME_PREFIX, sealFrame } from './segment.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Frames that become durable together, and those who wait for them. */
export class CommitGroup {
  readonly writer: ByteWriter;
  readonly batches: EventBatch[] = [];
  readonly #frames: { readonly start: number; readonly end: number }[] = [];
  readonly #waiters: Waiter[] = [];

  /** @param writer an empty one; the group owns it until it is done */
  constructor(writer: ByteWriter) {
    this.writer = writer;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  add(batch: EventBatch, schema: SourceSchema): void {
    const start = this.writer.length;
    for (let i = 0; i < FRAME_PREFIX; i++) this.writer.u8(0);
    encodeBatch(batch, schema, this.writer);
    this.#frames.push({ start, end: this.writer.length });
    this.batches.push(batch);
  }

  /** Takes back all but the first `count` batches, and whatever an unfinished one left. */
  keep(count: number): void {
    this.#frames.length = count;
    this.batches.length = count;
    this.writer.truncate(this.#frames.at(-1)?.end ?? 0);
  }

  /** The bytes to write, each frame complete with its length and checksum. */
  seal(): Uint8Array {
    this.#frames.forEach(({ start, end }, lag) => {
      sealFrame(this.writer, start, end, lag);
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
