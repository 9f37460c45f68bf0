import { LIMITS } from '../../../base/limits.ts';
import type { WatchedFolder } from './watched-folder.ts';

const BLOCK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

export interface Line {
  /** Without its end; cut at the limit where it is longer. */
  readonly bytes: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Where the next line begins. */
  readonly end: number;
  /** False for the last line of a file that does not end with a newline. */
  readonly ended: boolean;
  /** Whether bytes were cut off. */
  readonly cut: boolean;
}

/** The lines of one file from a place on, a block at a time; it looks no further than `size`. */
export class LineReader {
  readonly #folder: WatchedFolder;
  readonly #name: string;
  readonly #size: number;
  #block: Uint8Array = new Uint8Array(0);
  #blockAt: number;
  #at: number;
  #number: number;

  constructor(folder: WatchedFolder, name: string, size: number, at: number, line: number) {
    this.#folder = folder;
    this.#name = name;
    this.#size = size;
    this.#blockAt = at;
    this.#at = at;
    this.#number = line;
  }

  /** Goes on at another place, after `line` lines. */
  moveTo(at: number, line: number): void {
    this.#at = at;
    this.#number = line;
  }

  /** The next line; null at the end. */
  next(): Line | null {
    const start = this.#at;
    let searched = start;
    let end = -1;
    while (end < 0) {
      const block = this.#from(searched);
      if (block.length === 0) break;
      const found = block.indexOf(NEWLINE);
      end = found < 0 ? -1 : searched + found;
      searched += block.length;
    }
    const ended = end >= 0;
    const stop = ended ? end : searched;
    if (stop === start && !ended) return null;
    this.#at = ended ? stop + 1 : stop;
    this.#number += 1;
    const cut = stop - start > LIMITS.fileLineBytes;
    const bytes = this.#slice(start, cut ? start + LIMITS.fileLineBytes : stop);
    return { bytes, number: this.#number, end: this.#at, ended, cut };
  }

  /** The bytes at hand from a place on; none at the end of what is looked at. */
  #from(at: number): Uint8Array {
    const within = at - this.#blockAt;
    if (within >= 0 && within < this.#block.length) return this.#block.subarray(within);
    const length = Math.min(BLOCK_BYTES, this.#size - at);
    if (length <= 0) return new Uint8Array(0);
    this.#block = this.#folder.readAt(this.#name, at, length);
    this.#blockAt = at;
    return this.#block;
  }

  #slice(start: number, end: number): Uint8Array {
    const within = start - this.#blockAt;
    if (within >= 0 && end - this.#blockAt <= this.#block.length) {
      return this.#block.subarray(within, end - this.#blockAt);
    }
    return this.#folder.readAt(this.#name, start, end - start);
  }
}
