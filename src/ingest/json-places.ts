const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENS = new Set([0x5b, 0x7b]);
const CLOSES = new Set([0x5d, 0x7d]);

/** Where the elements of an array stand in its text; white space around them is not trimmed. */
export interface ElementPlaces {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** The text must be a JSON array, as a parser found it to be. */
export function elementPlaces(text: string): ElementPlaces {
  const starts: number[] = [];
  const ends: number[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = endOfString(text, at);
    } else if (OPENS.has(char)) {
      depth += 1;
      if (depth === 1) start = at + 1;
    } else if (CLOSES.has(char) || (char === COMMA && depth === 1)) {
      if (depth === 1) {
        starts.push(start);
        ends.push(at);
        start = at + 1;
      }
      if (char !== COMMA) depth -= 1;
    }
  }
  return { starts, ends };
}

function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = new RegExp(
  '"[^"\\\\\\u0000-\\u001f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\u0000-\\u001f]*)*"' +
    '|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null',
  'y',
);

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

/** Index of the first token that cannot stand where it does; the length if the end comes early. */
export function malformedAt(text: string): number {
  const open: string[] = [];
  let wanted: Wanted = 'value';
  const closed = (): Wanted => (open.length === 0 ? 'nothing' : ', or end');
  for (let at = 0; ; ) {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    at = SPACE.lastIndex;
    const char = text[at] ?? '';
    const value: boolean = wanted === 'value' || wanted === 'value or ]';
    const key: boolean = wanted === 'key' || wanted === 'key or }';
    if ((char === '[' || char === '{') && value) {
      open.push(char);
      wanted = char === '[' ? 'value or ]' : 'key or }';
    } else if (char === ']' && (wanted === 'value or ]' || wanted === ', or end')) {
      if (open.pop() !== '[') return at;
      wanted = closed();
    } else if (char === '}' && (wanted === 'key or }' || wanted === ', or end')) {
      if (open.pop() !== '{') return at;
      wanted = closed();
    } else if (char === ',' && wanted === ', or end') {
      wanted = open.at(-1) === '[' ? 'value' : 'key';
    } else if (char === ':' && wanted === ':') {
      wanted = 'value';
    } else if (value || (key && char === '"')) {
      SCALAR.lastIndex = at;
      if (!SCALAR.test(text)) return at;
      at = SCALAR.lastIndex;
      wanted = key ? ':' : closed();
      continue;
    } else {
      return at;
    }
    at += 1;
  }
}
