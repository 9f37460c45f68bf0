import { createHash } from 'node:crypto';
import { FINGERPRINT_DIGITS, layoutText } from './layout-text.ts';
import type { SourceSchema } from './types.ts';

const known = new WeakMap<SourceSchema, string>();

/**
 * Names the binary layout of a source's events: its columns' names and types in their order.
 * Bounds, lateness and the like may change without another fingerprint.
 */
export function schemaFingerprint(schema: SourceSchema): string {
  const cached = known.get(schema);
  if (cached !== undefined) return cached;
  const digest = createHash('sha256').update(layoutText(schema)).digest('hex');
  const fingerprint = digest.slice(0, FINGERPRINT_DIGITS);
  known.set(schema, fingerprint);
  return fingerprint;
}
