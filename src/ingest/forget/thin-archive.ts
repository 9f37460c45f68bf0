import type { Clock } from '../../base/clock.ts';
import type { ArchiveCatalog } from '../archive-catalog.ts';
import type { ArchiveFiles } from '../archive-files.ts';
import type { ArchiveFile, ArchiveManifest } from '../archive-manifest.ts';
import { type ArchiveStep, ParquetWriter } from '../archive-parquet.ts';
import { readParquet, sqlName } from '../archive-relation.ts';
import type { DuckDbSession } from '../duckdb-session.ts';
import { judgedRows, type RowRule, rowSql } from './key-rule.ts';

export interface ThinOptions {
  readonly files: ArchiveFiles;
  /** Open for writing, by whoever holds the archive's lock. */
  readonly catalog: ArchiveCatalog;
  /** With the tables of the rules. */
  readonly session: DuckDbSession;
  readonly rules: readonly RowRule[];
  /** Names the new files; nobody else may use it. */
  readonly name: string;
  readonly clock: Clock;
  readonly onStep?: (step: ArchiveStep) => void;
  readonly onFile?: (done: number, of: number) => void;
}

export interface ThinReport {
  readonly files: number;
  readonly rowsRemoved: number;
  /** Rows that stay without the person. */
  readonly rowsKept: number;
  readonly bytesRewritten: number;
  /** Of the files that count no more. */
  readonly replaced: readonly string[];
}

/** One file that holds rows of a person. */
interface Affected {
  readonly source: string;
  readonly file: ArchiveFile;
  readonly rule: RowRule;
  readonly columns: readonly string[];
}

/**
 * Takes rows out of archived files: each affected file is written anew without them, and the catalog
 * changes once for all of them. Positions stay: what is left keeps its commit and offset.
 */
export async function thinArchive(options: ThinOptions): Promise<ThinReport> {
  const { catalog, rules, clock, name, files, session } = options;
  const manifest = catalog.read();
  const affected = await affectedFiles(options, manifest, rules);
  if (affected.length === 0) return NOTHING;
  const writer = new ParquetWriter(files, session, options.onStep);
  catalog.intend(affected.map(({ file }) => thinPath(file, name)));
  const added: Record<string, ArchiveFile[]> = {};
  const sum = { rowsRemoved: 0, rowsKept: 0, bytesRewritten: 0 };
  for (const [at, one] of affected.entries()) {
    const { left, removed, kept } = await thinFile(writer, session, one, name);
    sum.rowsRemoved += removed;
    sum.rowsKept += kept;
    sum.bytesRewritten += left?.bytes ?? 0;
    if (left !== null) added[one.source] = [...(added[one.source] ?? []), left];
    options.onFile?.(at + 1, affected.length);
  }
  const replaced = affected.map(({ file }) => file.path);
  catalog.change({ added, retired: { paths: replaced, atMs: clock.nowMs() } });
  options.onStep?.({ kind: 'manifest', archivedCommit: manifest.archivedCommit });
  return { files: affected.length, replaced, ...sum };
}

const NOTHING: ThinReport = {
  files: 0,
  rowsRemoved: 0,
  rowsKept: 0,
  bytesRewritten: 0,
  replaced: [],
};

async function affectedFiles(
  { session, files }: ThinOptions,
  manifest: ArchiveManifest,
  rules: readonly RowRule[],
): Promise<Affected[]> {
  const affected: Affected[] = [];
  for (const rule of rules) {
    for (const file of manifest.sources[rule.source] ?? []) {
      const columns = (manifest.schemas[file.schema] ?? []).map((column) => column.name);
      const sql = rowSql(rule, columns);
      if (sql === null) continue;
      const from = judgedRows(sql, readParquet([files.real(file.path)]));
      const [[found = 0] = []] = await session.rows(
        `SELECT count(*) FROM (SELECT 1 FROM (${from}) WHERE __gone LIMIT 1)`,
      );
      if (Number(found) > 0) affected.push({ source: rule.source, file, rule, columns });
    }
  }
  return affected;
}

/** The path of a file without the rows; a file is thinned once by a name. */
function thinPath({ path }: ArchiveFile, name: string): string {
  return path.replace(/(\.[a-z0-9-]+)?\.parquet$/, `.${name}.parquet`);
}

interface Thinned {
  /** Null where no row is left. */
  readonly left: ArchiveFile | null;
  readonly removed: number;
  readonly kept: number;
}

async function thinFile(
  writer: ParquetWriter,
  session: DuckDbSession,
  { file, rule, columns }: Affected,
  name: string,
): Promise<Thinned> {
  const sql = rowSql(rule, columns);
  if (sql === null) return { left: file, removed: 0, kept: 0 };
  const from = judgedRows(sql, readParquet([writer.files.real(file.path)]));
  await session.run(
    `CREATE OR REPLACE TEMP TABLE __thin AS SELECT __commit AS c, __offset AS o, __event_time AS e,
     __arrival_time AS a, __gone AS g, __kept AS k FROM (${from})`,
  );
  const [counts = []] = await session.rows(
    `SELECT count(*) FILTER (g AND NOT k), count(*) FILTER (g AND k),
      count(*) FILTER (NOT g OR k), min(e) FILTER (NOT g OR k), max(e) FILTER (NOT g OR k),
      min(a) FILTER (NOT g OR k), max(a) FILTER (NOT g OR k) FROM __thin`,
  );
  await session.run('DROP TABLE __thin');
  const [removed = 0, kept = 0, rows = 0, ...times] = counts.map(Number);
  if (rows === 0) return { left: null, removed, kept };
  const path = thinPath(file, name);
  // Only what the file had: the order of its rows is that of the log.
  const bytes = await writer.write(
    path,
    `SELECT ${sql.left} FROM (${from}) WHERE NOT __gone OR __kept
     ORDER BY ${sqlName('__commit')}, ${sqlName('__offset')}`,
  );
  const [minEventTimeMs = 0, maxEventTimeMs = 0, minArrivalTimeMs = 0, maxArrivalTimeMs = 0] =
    times;
  const spans = { minEventTimeMs, maxEventTimeMs, minArrivalTimeMs, maxArrivalTimeMs };
  return { left: { ...file, ...spans, path, rows, bytes, thinned: true }, removed, kept };
}
