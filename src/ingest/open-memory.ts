import type { SourceSchema } from '../schema/types.ts';
import type { DedupeLimits } from './dedupe-index.ts';
import type { LiveLimits } from './live-rows.ts';
import { SourceIds } from './source-ids.ts';
import type { SourceMemory } from './source-memory.ts';
import { SourceRows } from './source-rows.ts';

export function openMemory(
  schema: SourceSchema,
  limits: DedupeLimits,
  live?: LiveLimits,
): SourceMemory {
  const changes = schema.changes ?? null;
  return changes === null ? new SourceIds(schema, limits) : new SourceRows(schema, changes, live);
}
