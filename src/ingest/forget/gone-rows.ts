import type { ArchiveFiles } from '../archive-files.ts';
import type { ArchiveManifest } from '../archive-manifest.ts';
import { readParquet, sqlName } from '../archive-relation.ts';
import type { DuckDbSession } from '../duckdb-session.ts';
import type { GoneIds } from './gone-ids.ts';
import { judgedRows, type RowRule, rowSql } from './key-rule.ts';

/** What a person has among the archived rows of one source. */
export interface GoneRows {
  readonly source: string;
  readonly rows: number;
  /** Of those, rows that stay without the person. */
  readonly kept: number;
  readonly firstCommit: number | null;
  /** Of events whose newest row goes, or shows the person; empty where events have no ids. */
  readonly ids: GoneIds;
}

/**
 * Counts what goes, and learns which ids: the newest row of an id decides, as an id may have passed
 * from one person to another.
 */
export async function goneRows(
  session: DuckDbSession,
  files: ArchiveFiles,
  manifest: ArchiveManifest,
  rule: RowRule,
  idColumn: string | null,
): Promise<GoneRows> {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE __gone_rows (id VARCHAR, c BIGINT, o BIGINT, g BOOLEAN, k BOOLEAN)`,
  );
  const each = fileSelects(files, manifest, rule, idColumn);
  for (const select of each) await session.run(`INSERT INTO __gone_rows ${select} WHERE __gone`);
  const [counts = []] = await session.rows(
    'SELECT count(*), count(*) FILTER (k), min(c) FROM __gone_rows',
  );
  const [rows = 0, kept = 0] = counts.map(Number);
  const firstCommit = counts[2] === null || counts[2] === undefined ? null : Number(counts[2]);
  if (rows > 0 && idColumn !== null) {
    const known = 'id IN (SELECT id FROM __gone_rows WHERE g)';
    for (const select of each) {
      await session.run(`INSERT INTO __gone_rows
        SELECT * FROM (${select} WHERE NOT __gone) WHERE ${known}`);
    }
  }
  const newest = await session.rows(
    `SELECT id, arg_max(g, (c, o)), arg_max(k, (c, o)) FROM __gone_rows
     WHERE id IS NOT NULL GROUP BY id`,
  );
  await session.run('DROP TABLE __gone_rows');
  const gone = newest.filter(([, isGone]) => isGone === true);
  const held = new Set(gone.map(([id]) => String(id)));
  const removed = new Set(gone.filter(([, , stays]) => stays !== true).map(([id]) => String(id)));
  return { source: rule.source, rows, kept, firstCommit, ids: { removed, held } };
}

function fileSelects(
  files: ArchiveFiles,
  manifest: ArchiveManifest,
  rule: RowRule,
  idColumn: string | null,
): string[] {
  return (manifest.sources[rule.source] ?? []).flatMap((file) => {
    const columns = (manifest.schemas[file.schema] ?? []).map(({ name }) => name);
    const sql = rowSql(rule, columns);
    if (sql === null) return [];
    const hasId = idColumn !== null && columns.includes(idColumn);
    const id = hasId ? `${sqlName(idColumn)}::VARCHAR` : 'NULL::VARCHAR';
    const from = judgedRows(sql, readParquet([files.real(file.path)]));
    return [
      `SELECT ${id} AS id, __commit AS c, __offset AS o, __gone AS g, __kept AS k FROM (${from})`,
    ];
  });
}
