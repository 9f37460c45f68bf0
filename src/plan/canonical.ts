import { createHash } from 'node:crypto';
import { AssertionFailure } from '../base/assert.ts';

/**
 * The one JSON text of a value: keys in order, no spaces, integers with every digit. Equal values
 * have equal texts, and `parseJson` reads it back.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return textJson(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      if (Number.isFinite(value)) return String(value + 0);
      break;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
      return objectJson(value as Readonly<Record<string, unknown>>);
  }
  throw new AssertionFailure(`a ${typeof value} (${String(value)}) has no JSON`);
}

/** Most of the work of an apply is done here, so objects in order are not sorted again. */
function objectJson(value: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const key of keysInOrder(value)) {
    const part = value[key];
    if (part === undefined) continue;
    text += text === '' ? keyJson(key) : `,${keyJson(key)}`;
    text += canonicalJson(part);
  }
  return `{${text}}`;
}

function keysInOrder(value: object): string[] {
  const keys = Object.keys(value);
  for (let at = 1; at < keys.length; at++) {
    if ((keys[at] as string) < (keys[at - 1] as string)) return keys.sort();
  }
  return keys;
}

/** Texts of the keys that plans are made of. */
const KEYS_KNOWN_MAX = 1_000;
const keyTexts = new Map<string, string>();

function keyJson(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const text = `${textJson(key)}:`;
  if (keyTexts.size < KEYS_KNOWN_MAX) keyTexts.set(key, text);
  return text;
}

/** Texts without any character that JSON writes in another way. */
const PLAIN = /^[\u0020\u0021\u0023-\u005b\u005d-\ud7ff\ue000-\uffff]*$/;

function textJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** SHA-256 of the canonical JSON, in hexadecimal. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** Order of texts that depends on no locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareText(a.name, b.name);
}

/** Order of definitions: by name, then by version. */
export function byNameAndVersion(
  a: { readonly name: string; readonly version: number },
  b: { readonly name: string; readonly version: number },
): number {
  return byName(a, b) || a.version - b.version;
}
