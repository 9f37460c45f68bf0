import type { Scalar } from './types.ts';

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
