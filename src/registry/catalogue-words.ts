/** Characters of a word that are looked at; of longer ones the rest says nothing. */
const WORD_CHARS = 64;

/** Words of a text, in lower case and composed form; all else but letters and digits parts them. */
export function wordsOf(text: string): string[] {
  return normalText(text)
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter((word) => word.length > 0)
    .map((word) => word.slice(0, WORD_CHARS));
}

export function normalText(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** How many edits a word of that length may be away to be meant. */
export function editsAllowed(word: string): number {
  if (word.length < 4) return 0;
  return word.length < 8 ? 1 : 2;
}

/**
 * One bit for each letter or digit that a word has, by its code modulo 32. An edit changes two bits
 * at most, so words whose bits differ by more than twice the edits cannot be near.
 */
export function letterBits(word: string): number {
  let bits = 0;
  for (let at = 0; at < word.length; at++) bits |= 1 << (word.charCodeAt(at) & 31);
  return bits;
}

export function bitsOf(value: number): number {
  let rest = value >>> 0;
  let count = 0;
  for (; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
