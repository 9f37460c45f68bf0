import { createHash } from 'node:crypto';
import { type SourceSchema, typeText } from './types.ts';

const known = new WeakMap<SourceSchema, string>();

/**
 * Names the binary layout of a source's events: its columns' names and types in their order.
 * Bounds, lateness and the like may change without another fingerprint.
 */
export function schemaFingerprint(schema: SourceSchema): string {
  const cached = known.get(schema);
  if (cached !== undefined) return cached;
  const columns = schema.columns.map((column) => `${column.name} ${typeText(column.type)}`);
  const text = [schema.name, ...columns].join('\n');
  const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16);
  known.set(schema, fingerprint);
  return fingerprint;
}
