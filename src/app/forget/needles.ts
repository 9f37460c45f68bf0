/** What a key looks like in files: as text it stands alone, in records behind its length. */
export interface Needle {
  readonly bytes: Buffer;
  readonly isPrefixed: boolean;
}

/** So many are looked for one by one, which is faster. */
const FEW = 16;
const FILTER_BITS = 20;
const FILTER_SHIFT = 32 - FILTER_BITS;
const BASE = 0x01000193;
const MIX = 0x9e3779b1;

/** Needles of about one length, found by the hash of their last bytes. */
interface Group {
  /** Bytes: the length of the shortest. */
  readonly window: number;
  readonly filter: Uint8Array;
  readonly byHash: ReadonlyMap<number, readonly Needle[]>;
  /** What the byte that leaves the window has come to. */
  readonly leaving: number;
}

/** Finds any of many needles in one pass for each order of their lengths. */
export class Needles {
  readonly #all: readonly Needle[];
  readonly #groups: readonly Group[];
  /** Bytes. */
  readonly longest: number;

  constructor(needles: readonly Needle[]) {
    this.#all = needles;
    this.longest = needles.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
    const byOrder = new Map<number, Needle[]>();
    for (const one of needles.length > FEW ? needles : []) {
      const order = 31 - Math.clz32(one.bytes.length);
      const own = byOrder.get(order) ?? [];
      if (own.length === 0) byOrder.set(order, own);
      own.push(one);
    }
    this.#groups = [...byOrder.values()].map(groupOf);
  }

  /** Whether one stands in these bytes; within a longer word or number it is another one. */
  isIn(bytes: Buffer): boolean {
    if (this.#all.length <= FEW) return this.#all.some((needle) => isApartIn(bytes, needle));
    return this.#groups.some((group) => inGroup(bytes, group));
  }
}

function groupOf(needles: readonly Needle[]): Group {
  const window = needles.reduce((least, { bytes }) => Math.min(least, bytes.length), Infinity);
  const filter = new Uint8Array(1 << FILTER_BITS);
  const byHash = new Map<number, Needle[]>();
  for (const one of needles) {
    let hash = 0;
    for (const byte of one.bytes.subarray(-window)) hash = (Math.imul(hash, BASE) + byte) | 0;
    filter[Math.imul(hash, MIX) >>> FILTER_SHIFT] = 1;
    const own = byHash.get(hash) ?? [];
    if (own.length === 0) byHash.set(hash, own);
    own.push(one);
  }
  let leaving = 1;
  for (let at = 0; at < window; at++) leaving = Math.imul(leaving, BASE);
  return { window, filter, byHash, leaving };
}

function inGroup(bytes: Buffer, { window, filter, byHash, leaving }: Group): boolean {
  let hash = 0;
  for (let at = 0; at < bytes.length; at++) {
    hash = (Math.imul(hash, BASE) + (bytes[at] as number)) | 0;
    if (at >= window) hash = (hash - Math.imul(leaving, bytes[at - window] as number)) | 0;
    if (at + 1 < window || filter[Math.imul(hash, MIX) >>> FILTER_SHIFT] === 0) continue;
    const found = byHash.get(hash)?.some((needle) => {
      const from = at + 1 - needle.bytes.length;
      if (from < 0 || needle.bytes.compare(bytes, from, at + 1) !== 0) return false;
      return isApartAt(bytes, from, needle);
    });
    if (found === true) return true;
  }
  return false;
}

function isApartIn(bytes: Buffer, needle: Needle): boolean {
  const { bytes: text } = needle;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    if (isApartAt(bytes, at, needle)) return true;
  }
  return false;
}

function isApartAt(bytes: Buffer, at: number, { bytes: text, isPrefixed }: Needle): boolean {
  if (isPrefixed) return true;
  const isBefore = isLetter(bytes[at - 1]) && isLetter(text[0]);
  return !isBefore && !(isLetter(bytes[at + text.length]) && isLetter(text.at(-1)));
}

function isLetter(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}
