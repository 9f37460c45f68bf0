import type { OutputRead } from './read-plan.ts';
import { prefix } from './response-writer.ts';
import { type ServedStatus, STATUS_BY_CODE } from './status-codes.ts';

const CACHE_SIZE = 256;

/** The statuses of one row as JSON. */
export interface StatusText {
  readonly codes: Uint8Array;
  readonly text: string;
  readonly counts: StatusCounts;
}

/** How many outputs have each status. */
export type StatusCounts = { [status in ServedStatus]: number };

export function noStatuses(): StatusCounts {
  return { present: 0, default: 0, error: 0, missing: 0, expired: 0 };
}

export function addStatuses(to: StatusCounts, more: Readonly<StatusCounts>): void {
  to.present += more.present;
  to.default += more.default;
  to.error += more.error;
  to.missing += more.missing;
  to.expired += more.expired;
}

/**
 * Texts of whole rows of statuses. Which windows are empty follows few patterns, so the text of a
 * pattern is kept; two patterns that share a place in the cache take turns.
 */
export class StatusTexts {
  readonly #cache = new Array<StatusText | null>(CACHE_SIZE).fill(null);
  /** By output, then by status code. */
  readonly #parts: readonly (readonly string[])[];
  readonly #slots: Int32Array;

  constructor(outputs: readonly OutputRead[]) {
    this.#slots = Int32Array.from(outputs, (output) => output.slot);
    this.#parts = outputs.map(({ name }, i) =>
      STATUS_BY_CODE.map((status) => `${prefix(name, i)}"${status}"`),
    );
  }

  of(statuses: Uint8Array): StatusText {
    const slots = this.#slots;
    let hash = 0;
    for (let i = 0; i < slots.length; i++) {
      hash = (Math.imul(hash, 31) + (statuses[slots[i] as number] as number)) | 0;
    }
    const place = (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (CACHE_SIZE - 1);
    const cached = this.#cache[place] as StatusText | null;
    if (cached !== null && this.#isOf(cached, statuses)) return cached;
    const made = this.#make(statuses);
    this.#cache[place] = made;
    return made;
  }

  #isOf(cached: StatusText, statuses: Uint8Array): boolean {
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i++) {
      if (cached.codes[i] !== statuses[slots[i] as number]) return false;
    }
    return true;
  }

  #make(statuses: Uint8Array): StatusText {
    const codes = Uint8Array.from(this.#slots, (slot) => statuses[slot] as number);
    const counts = noStatuses();
    let text = '';
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      text += this.#parts[i]?.[code];
      counts[STATUS_BY_CODE[code] as ServedStatus] += 1;
    }
    return { codes, counts, text: `{${text}}` };
  }
}
