import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { UpstreamFile } from './upstream-file.ts';
import type { FoundColumn } from './upstream-schema.ts';

/** The columns that a file's folders hold, as cells of each of its rows. */
export function hiveCells({ hive }: Pick<UpstreamFile, 'hive'>): {
  readonly select: readonly string[];
  readonly found: readonly FoundColumn[];
} {
  return {
    select: [...hive].map(([name, value]) => {
      const cell = value === null ? 'NULL::VARCHAR' : `${sqlString(value)}::VARCHAR`;
      return `${cell} AS ${sqlName(name)}`;
    }),
    found: [...hive.keys()].map((name) => ({ name, form: { kind: 'field' } })),
  };
}
