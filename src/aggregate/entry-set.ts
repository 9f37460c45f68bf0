import { SET_BYTES } from './entry-shape.ts';

const NO_WORDS = new Float64Array(0);

/**
 * What an accumulator of several entries holds for one tile: entries in ascending order of their
 * keys, each a run of words, and a text where keys or values are strings. `Entries` works on it.
 */
export class EntrySet {
  count = 0;
  /** Whether there have been more entries than are kept. */
  more = false;
  /**
   * Of rows with arrival times beside: the greatest event time of those that are not kept, and the
   * latest arrival among those of that time; -1 before any.
   */
  lostMs = -1;
  lostArrivalMs = -1;
  words: Float64Array = NO_WORDS;
  readonly texts: string[] | null;
  /** Bytes of the texts, two a character. */
  textBytes = 0;

  constructor(hasTexts: boolean) {
    this.texts = hasTexts ? [] : null;
  }

  get bytes(): number {
    return SET_BYTES + this.words.length * 8 + this.textBytes;
  }
}
