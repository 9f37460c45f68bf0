import { assert } from '../base/assert.ts';
import { canonicalInteger, type Scalar, type ValueType } from './types.ts';

/**
 * The text that names one entity: a single join key is its own text; of several, each stands
 * behind its length, so ('1', '12') and ('11', '2') never meet.
 *
 * @example encodeKey(['ATL']) // 'ATL'
 * @example encodeKey(['ATL', 7]) // '3:ATL1:7'
 */
export function encodeKey(parts: readonly Scalar[]): string {
  if (parts.length === 1) return String(parts[0]);
  let key = '';
  for (const part of parts) {
    const text = String(part);
    key += `${text.length}:${text}`;
  }
  return key;
}

/** The join keys that `encodeKey` made a key of. */
export function decodeKey(key: string, types: readonly ValueType[]): Scalar[] {
  const scalarOf = (text: string, at: number): Scalar =>
    types[at]?.kind === 'int64' ? canonicalInteger(BigInt(text)) : text;
  if (types.length === 1) return [scalarOf(key, 0)];
  let from = 0;
  return types.map((_, at) => {
    const colon = key.indexOf(':', from);
    assert(colon > 0, 'a part stands behind its length');
    const start = colon + 1;
    from = start + Number(key.slice(from, colon));
    return scalarOf(key.slice(start, from), at);
  });
}
