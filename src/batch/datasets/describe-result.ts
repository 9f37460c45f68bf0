import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import { columnStatistics } from '../gates/column-statistics.ts';
import { SPINE, type Spine } from '../spine.ts';
import { contentChecksum } from './content.ts';

/** What is written down of a training set's values, whatever file they go to. */
export interface ResultDescription {
  readonly contentChecksum: string;
  /** The DuckDB that computed it. */
  readonly duckdb: string;
}

/** The spine's own columns, read as numbers where their text is one. */
export function spineStatistics(
  session: DuckDbSession,
  { columns, kept }: Spine,
  options: RunOptions = {},
): Promise<ColumnStatistics[]> {
  const cells = columns.map(({ name, type }, index) => {
    const isText = kept === 'cells' && type !== 'VARCHAR';
    const cell = isText ? `TRY_CAST(c${index} AS ${type})` : `c${index}`;
    return `${cell} AS ${sqlName(name)}`;
  });
  return columnStatistics(session, `(SELECT ${cells.join(', ')} FROM ${SPINE})`, options);
}

/** The columns of a result that its spine does not have. */
export async function addedStatistics(
  session: DuckDbSession,
  relation: string,
  { columns }: Spine,
  options: RunOptions = {},
): Promise<ColumnStatistics[]> {
  const own = new Set(['line', ...columns.map(({ name }) => name)]);
  const described = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
  const added = described.map((row) => String(row[0])).filter((name) => !own.has(name));
  return columnStatistics(session, relation, options, added);
}

export async function describeResult(
  session: DuckDbSession,
  relation: string,
  options: RunOptions = {},
): Promise<ResultDescription> {
  const [[version] = []] = await session.rows('SELECT version()');
  return {
    contentChecksum: await contentChecksum(session, relation, options),
    duckdb: String(version),
  };
}
