/** How one value of an entry or a tile is held. */
export type EndValue = 'narrow' | 'wide' | 'string';

/**
 * By what entries are ordered and told apart: an integer, a number, an int64 as a pair of words, a
 * text, an event's place in the total order, or a row's (event time, arrival, partition, offset).
 */
export type EntryKey = 'integer' | 'number' | 'wide' | 'text' | 'event' | 'row';

/**
 * What an entry of `latest` holds between its key and its value: when the row arrived, -1 while
 * only what takes it back is known; and whether its value is no null.
 */
export type Beside = 'arrival' | 'exists';

/** What the entries of one accumulator look like, and which of them are kept. */
export interface EntryShape {
  readonly key: EntryKey;
  /** What an entry holds beside its key. */
  readonly value: EndValue | 'none';
  /** Of rows whose value may be null: a word each, in this order. */
  readonly beside: readonly Beside[];
  /** `weight`: how often the entry counts, less what was taken back. `taken`: whether it was. */
  readonly mark: 'none' | 'weight' | 'taken';
  /** The `limit` least or greatest; `all`: up to the limit, and nothing beyond it. */
  readonly keeps: 'least' | 'greatest' | 'all';
  readonly limit: number;
  /** Whether an entry of weight 0 is as good as none. */
  readonly dropsZero: boolean;
}

export const KEY_WORDS: Readonly<Record<EntryKey, number>> = {
  integer: 1,
  number: 1,
  wide: 2,
  text: 0,
  event: 3,
  row: 4,
};

export const VALUE_WORDS: Readonly<Record<EntryShape['value'], number>> = {
  none: 0,
  narrow: 1,
  wide: 2,
  string: 0,
};

/** What an empty set takes beside its words and texts, roughly. */
export const SET_BYTES = 160;
const SLACK_MIN = 4;

/** Words of one entry: key, what stands beside, value, mark. */
export function strideOf(shape: EntryShape): number {
  return valueAtOf(shape) + VALUE_WORDS[shape.value] + (shape.mark === 'none' ? 0 : 1);
}

/** Where a value that is no key begins within its entry. */
export function valueAtOf({ key, beside }: EntryShape): number {
  return KEY_WORDS[key] + beside.length;
}

/** Where the arrival stands within an entry, or -1 where it is no part of one or of its key. */
export function arrivalAtOf({ key, beside }: EntryShape): number {
  return beside.includes('arrival') ? KEY_WORDS[key] + beside.indexOf('arrival') : -1;
}

/** Entries beyond the limit that are held before they are let go, all at once. */
export function slackOf({ keeps, limit }: EntryShape): number {
  return keeps === 'greatest' ? Math.max(SLACK_MIN, limit >> 2) : 0;
}

/** Bytes that a set takes at most, its texts aside, with so many entries or its limit of them. */
export function setBytesMax(shape: EntryShape, entries: number = shape.limit): number {
  return SET_BYTES + (entries + slackOf(shape) + 1) * strideOf(shape) * 8;
}

export function hasTexts(shape: EntryShape): boolean {
  return shape.key === 'text' || shape.value === 'string';
}
