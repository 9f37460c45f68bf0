import { AsofError } from '../../base/errors.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';
import { SPINE, type Spine } from '../spine.ts';
import type { SpineColumn } from '../spine-source.ts';

/** A spine as it was read once, in a file of its own: what a dataset is built again from. */
export interface KeptSpine {
  readonly path: string;
  readonly spine: Spine;
  /** The columns of the numbered table, with DuckDB's names of their types. */
  readonly table: readonly SpineColumn[];
}

const PARQUET = 'FORMAT PARQUET, COMPRESSION ZSTD, PARQUET_VERSION V2';

/** Types that Parquet gives back as others, and that their text gives back exactly. */
const BY_TEXT = /^(HUGEINT|UHUGEINT|BIGNUM|BIT|TIME WITH TIME ZONE|ENUM\(.*\))$/;

/** Types that come back as another one, from which they are cast without loss. */
const BY_CAST = /^(TIMESTAMP_S|TIMESTAMP_MS|.*\[\d+\])$/;

/**
 * Writes the numbered table of a spine, whatever it was read from, so that `loadKeptSpine` gives
 * the same table again.
 * @throws AsofError `invalid_spine` if a column has a type that no file can keep
 */
export async function keepSpine(
  session: DuckDbSession,
  spine: Spine,
  path: string,
  options: RunOptions = {},
): Promise<KeptSpine> {
  const described = await session.rows(`DESCRIBE ${SPINE}`);
  const table = described.map((row): SpineColumn => {
    return { name: String(row[0]), type: String(row[1]) };
  });
  const written = table.map(({ name, type }) =>
    BY_TEXT.test(type) ? `CAST(${sqlName(name)} AS VARCHAR) AS ${sqlName(name)}` : sqlName(name),
  );
  await session.run(
    `COPY (SELECT ${written.join(', ')} FROM ${SPINE} ORDER BY r) TO ${sqlString(path)} (${PARQUET})`,
    options,
  );
  const kept = { path, spine, table };
  await requireSameTypes(session, kept);
  return kept;
}

/** @throws AsofError `file_not_found`, `unreadable_file` */
export async function loadKeptSpine(
  session: DuckDbSession,
  { path, spine, table }: KeptSpine,
  options: RunOptions = {},
): Promise<Spine> {
  const read = table.map(({ name, type }) =>
    BY_TEXT.test(type) || BY_CAST.test(type)
      ? `CAST(${sqlName(name)} AS ${type}) AS ${sqlName(name)}`
      : sqlName(name),
  );
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${SPINE} AS
     SELECT ${read.join(', ')} FROM read_parquet(${sqlString(path)}, hive_partitioning = false)`,
    options,
  );
  return spine;
}

async function requireSameTypes(session: DuckDbSession, kept: KeptSpine): Promise<void> {
  const file = `read_parquet(${sqlString(kept.path)}, hive_partitioning = false)`;
  const found = await session.rows(`DESCRIBE SELECT * FROM ${file}`);
  for (const [at, { name, type }] of kept.table.entries()) {
    if (BY_TEXT.test(type) || BY_CAST.test(type) || String(found[at]?.[1]) === type) continue;
    const column = /^[cv](\d+)$/.exec(name)?.[1];
    const shown = kept.spine.columns[Number(column)]?.name ?? name;
    throw new AsofError(
      'invalid_spine',
      `The spine's column '${shown}' is ${type}, which a dataset cannot keep.`,
      { remedy: `Cast '${shown}' to a type that Parquet has, or leave it out.` },
    );
  }
}
