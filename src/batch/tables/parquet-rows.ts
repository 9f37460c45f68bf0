import { AsofError } from '../../base/errors.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { hiveCells } from './hive-cells.ts';
import type { UpstreamFile } from './upstream-file.ts';
import { rowAsJson, type UpstreamRows } from './upstream-rows.ts';
import type { FoundColumn } from './upstream-schema.ts';

/** @throws AsofError `unreadable_file` */
export async function parquetRows(
  session: DuckDbSession,
  file: UpstreamFile,
): Promise<UpstreamRows> {
  const path = sqlString(file.path);
  const read = `read_parquet(${path}, hive_partitioning = false, file_row_number = true)`;
  try {
    const described = await session.rows(
      `DESCRIBE FROM read_parquet(${path}, hive_partitioning = false)`,
    );
    const [counted] = await session.rows(`SELECT num_rows FROM parquet_file_metadata(${path})`);
    const hive = hiveCells(file);
    const own = described
      .map((row): FoundColumn => {
        return { name: String(row[0]), form: { kind: 'typed', type: String(row[1]) } };
      })
      .filter(({ name }) => !file.hive.has(name));
    const cells = [...own.map(({ name }) => sqlName(name)), ...hive.select];
    const found = [...own, ...hive.found];
    return {
      what: file.name,
      relation: `(SELECT ${[...cells, 'file_row_number + 1 AS __row'].join(', ')} FROM ${read})`,
      found,
      rowChecks: [],
      raw: rowAsJson(found),
      placeOf: (row) => `${file.name}#${row}`,
      expectedRows: Number(counted?.[0] ?? 0),
      refused: async () => [],
      has: async () => true,
    };
  } catch (cause) {
    throw unreadable(file.name, cause);
  }
}

/** What DuckDB says first of a file that it cannot read. */
export function unreadable(name: string, cause: unknown): unknown {
  if (cause instanceof AsofError && cause.retryable) return cause;
  if (cause instanceof AsofError && cause.code !== 'internal' && cause.code !== 'unreadable_file') {
    return cause;
  }
  const said = cause instanceof AsofError && cause.cause instanceof Error ? cause.cause : cause;
  const words = (said instanceof Error ? said.message : String(said)).trim().split('\n', 1)[0];
  return new AsofError('unreadable_file', `'${name}' cannot be read: ${words}`, {
    path: name,
    remedy: 'It may be half written or damaged: write it again, and under another name first.',
    cause,
  });
}
