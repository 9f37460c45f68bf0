import { LIMITS } from '../base/limits.ts';

/**
 * Memory of large answers that have been sent, for those to come: fresh memory costs more than
 * filling it, as the system hands it over page by page. Whoever gives a room back may not touch it
 * any more, and nobody else may still read from it.
 */
export class ByteRooms {
  readonly #free: ArrayBufferLike[] = [];
  /** Small buffers share memory that is nobody's to give back. */
  readonly #own = new WeakSet<ArrayBufferLike>();

  take(bytes: number): Buffer {
    if (bytes < LIMITS.answerRoomBytes) return Buffer.allocUnsafe(bytes);
    const at = this.#free.findIndex((room) => room.byteLength >= bytes);
    const [room] = at < 0 ? [] : this.#free.splice(at, 1);
    if (room !== undefined) return Buffer.from(room);
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
