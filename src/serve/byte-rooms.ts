import { LIMITS } from '../base/limits.ts';

/**
 * Memory of answers that have been sent, for those to come: fresh memory costs more than filling
 * it, as the system hands it over page by page, and the collector looks for it later. Whoever gives
 * a room back may not touch it any more, and nobody else may still read from it.
 */
export class ByteRooms {
  readonly #free: ArrayBufferLike[] = [];
  /** No other memory is taken back: what is small elsewhere in the process may be shared. */
  readonly #own = new WeakSet<ArrayBufferLike>();

  /** Room for at least so many bytes, with whatever was in it before. */
  take(bytes: number): Buffer {
    const last = this.#free.at(-1);
    const at =
      last !== undefined && last.byteLength >= bytes
        ? this.#free.length - 1
        : this.#free.findIndex((room) => room.byteLength >= bytes);
    const room = this.#free[at];
    if (room !== undefined) {
      this.#free.splice(at, 1);
      return Buffer.from(room);
    }
    // Rounded up, so that answers of nearly one size share their rooms.
    const size = Math.ceil(bytes / LIMITS.answerRoomBytes) * LIMITS.answerRoomBytes;
    const fresh = Buffer.allocUnsafeSlow(size);
    this.#own.add(fresh.buffer);
    return fresh;
  }

  /** @param answer that lies in a room, and has left the process as a whole */
  give(answer: Buffer): void {
    const { buffer } = answer;
    const isKept = this.#own.has(buffer) && buffer.byteLength <= LIMITS.answerRoomMaxBytes;
    if (isKept && this.#free.length < LIMITS.answerRooms) this.#free.push(buffer);
  }
}

/** One stock for the process: all answers leave through one thread. */
export const ANSWER_ROOMS = new ByteRooms();
