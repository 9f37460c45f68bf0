import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { csvRows, isCompressed } from './csv-rows.ts';
import { type FileUnit, lookAgain, printOf } from './file-units.ts';
import { ndjsonRows } from './ndjson-rows.ts';
import { parquetRows, unreadable } from './parquet-rows.ts';
import type { Stage } from './stage.ts';
import type { TableTally } from './table-report.ts';
import type { TableSource } from './table-source.ts';
import type { TablesWorld } from './tables-world.ts';
import { openEnd, requireWholeGzip } from './text-lines.ts';
import type { FilesFrom, UpstreamFile } from './upstream-file.ts';
import type { UpstreamRows } from './upstream-rows.ts';
import { matchUpstream, type SchemaRules, upstreamNames } from './upstream-schema.ts';

export interface UnitReader {
  readonly world: TablesWorld;
  readonly session: DuckDbSession;
  readonly table: TableSource;
  readonly from: FilesFrom;
  readonly rules: SchemaRules;
  readonly stage: Stage;
  readonly tally: TableTally;
  readonly signal: AbortSignal | undefined;
}

/**
 * Stages the files of a unit as they are while they stand still; where one changes meanwhile, once
 * more. Answers the unit with the print of what was read.
 * @throws AsofError `upstream_changed`, `upstream_schema`, `unreadable_file`, `rows_lost`
 */
export async function readUnit(reader: UnitReader, unit: FileUnit): Promise<FileUnit> {
  const { stage } = reader;
  for (let attempt = 1; ; attempt += 1) {
    const files = await settled(reader, unit);
    const mark = stage.mark();
    try {
      for (const file of files) {
        reader.signal?.throwIfAborted();
        await readFile(reader, unit.name, file);
      }
      const moved = files.find((file) => file.changedMs !== null && hasMoved(file));
      if (moved === undefined) return { ...unit, files, print: printOf(files) };
      throw changedWhileRead(moved);
    } catch (error) {
      await stage.backTo(mark);
      const moved = files.find((file) => file.changedMs !== null && hasMoved(file));
      if (moved === undefined) throw error;
      if (attempt === 2) throw changedWhileRead(moved);
    }
  }
}

function changedWhileRead({ name }: UpstreamFile): AsofError {
  return new AsofError('upstream_changed', `'${name}' was replaced while it was read, twice.`, {
    path: name,
  });
}

function hasMoved(file: UpstreamFile): boolean {
  return lookAgain(file)?.print !== file.print;
}

/** The files as they are now; one whose last line has no end is waited for until it stands still. */
async function settled(reader: UnitReader, unit: FileUnit): Promise<UpstreamFile[]> {
  const { world, from, signal } = reader;
  const files: UpstreamFile[] = [];
  for (const listed of unit.files) {
    let file = listed.changedMs === null ? listed : present(lookAgain(listed), listed.name);
    const isText = from.format !== 'parquet' && file.changedMs !== null && !isCompressed(file);
    while (isText && file.changedMs !== null && openEnd(file.path) !== null) {
      const waitMs = file.changedMs + LIMITS.tableSettleMs - world.fileNowMs();
      // A time of change that lies ahead says nothing; the print is looked at after reading.
      if (waitMs <= 0 || waitMs > LIMITS.tableSettleMs) break;
      await world.pause(waitMs, signal);
      file = present(lookAgain(file), file.name);
    }
    files.push(file);
  }
  return files;
}

function present(file: UpstreamFile | null, name: string): UpstreamFile {
  if (file !== null) return file;
  throw new AsofError('upstream_changed', `'${name}' went away while its table was read.`, {
    path: name,
  });
}

async function readFile(reader: UnitReader, unit: string, file: UpstreamFile): Promise<void> {
  const { rules, stage, tally } = reader;
  try {
    const isLocal = file.changedMs !== null;
    if (isLocal && isCompressed(file)) await requireWholeGzip(file.name, file.path);
    const rows = await openFile(reader, file);
    // Without a header, a text file has no columns, and no rows.
    if (rows.found.length === file.hive.size) return;
    const match = matchUpstream(rows.what, rows.found, rules);
    for (const name of match.extra) tally.note(`'${name}' is upstream and not declared`);
    for (const name of match.absent) tally.note(`'${name}' is missing in '${file.name}': null`);
    await stage.add(unit, rows, match);
  } catch (error) {
    throw unreadable(file.name, error);
  }
}

function openFile(reader: UnitReader, file: UpstreamFile): Promise<UpstreamRows> {
  const { session, from, rules } = reader;
  switch (from.format) {
    case 'parquet':
      return parquetRows(session, file);
    case 'csv':
      return csvRows(session, file, from);
    default: {
      const wanted = rules.declared.flatMap((column) => upstreamNames(column, rules));
      return ndjsonRows(session, file, wanted);
    }
  }
}
