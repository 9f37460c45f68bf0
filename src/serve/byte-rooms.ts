import { LIMITS } from '../base/limits.ts';

/**
 * Memory of answers that have been sent, for those to come: fresh memory costs more than filling
 * it, as the system hands it over page by page, and the collector looks for it later. Whoever gives
 * a room back may not touch it any more, and nobody else may still read from it.
 */
export class ByteRooms {
  readonly #free: Room[] = [];
  /** No other memory is taken back: what is small elsewhere in the process may be shared. */
  readonly #rooms = new WeakMap<ArrayBufferLike, Room>();

  /** Room for at least so many bytes, with whatever was in it before. */
  take(bytes: number): Buffer {
    const last = this.#free.at(-1);
    const fits = (room: Room | undefined): boolean => (room?.bytes.length ?? 0) >= bytes;
    const at = fits(last) ? this.#free.length - 1 : this.#free.findIndex(fits);
    const room = this.#free[at] ?? this.#make(bytes);
    if (at >= 0) this.#free.splice(at, 1);
    room.isTaken = true;
    return room.bytes;
  }

  /** @param answer that lies in a room, and has left the process as a whole */
  give(answer: Buffer): void {
    const room = this.#rooms.get(answer.buffer);
    // Given twice it would be two answers' at once.
    if (room === undefined || !room.isTaken) return;
    room.isTaken = false;
    const isKept = room.bytes.length <= LIMITS.answerRoomMaxBytes;
    if (isKept && this.#free.length < LIMITS.answerRooms) this.#free.push(room);
  }

  #make(bytes: number): Room {
    // Rounded up, so that answers of nearly one size share their rooms.
    const size = Math.max(1, Math.ceil(bytes / LIMITS.answerRoomBytes)) * LIMITS.answerRoomBytes;
    const room = { bytes: Buffer.allocUnsafeSlow(size), isTaken: false };
    this.#rooms.set(room.bytes.buffer, room);
    return room;
  }
}

interface Room {
  readonly bytes: Buffer;
  isTaken: boolean;
}

/** One stock for the process: all answers leave through one thread. */
export const ANSWER_ROOMS = new ByteRooms();
