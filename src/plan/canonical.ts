import { createHash } from 'node:crypto';
import { AssertionFailure } from '../base/assert.ts';

/**
 * The one JSON text of a value: keys in order, no spaces, integers with every digit. Equal values
 * have equal texts, and `parseJson` reads it back.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value + 0);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object') {
    throw new AssertionFailure(`a ${typeof value} (${String(value)}) has no JSON`);
  }
  const parts = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`);
  return `{${parts.join(',')}}`;
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
