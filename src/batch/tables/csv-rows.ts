import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import { splitRecord } from '../../ingest/connectors/files/csv-record.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { FilesFrom, UpstreamFile } from './file-units.ts';
import { hiveCells } from './hive-cells.ts';
import { unreadable } from './parquet-rows.ts';
import { endsWithin, linesSql, openEnd, rejectTables, takeRefused } from './text-lines.ts';
import { lineAmong, rowAsJson, type UpstreamRows } from './upstream-rows.ts';
import type { FoundColumn } from './upstream-schema.ts';

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * The records of a CSV file (RFC 4180) whose first one names its columns. An empty field is null,
 * `""` is the empty text.
 * @throws AsofError `unreadable_file`, `upstream_changed`
 */
export async function csvRows(
  session: DuckDbSession,
  file: UpstreamFile,
  from: FilesFrom,
): Promise<UpstreamRows> {
  const header = await firstLine(session, file);
  const delimiter = from.delimiter ?? sniffDelimiter(header);
  const names = header === '' ? [] : headerNames(file, header, delimiter);
  const hive = hiveCells(file);
  const own = names.map((name): FoundColumn => ({ name, form: { kind: 'field' } }));
  const taken = own.filter(({ name }) => !file.hive.has(name));
  const found = [...taken, ...hive.found];
  const rejects = rejectTables();
  const cells = taken.map(({ name }) => `c${names.indexOf(name)} AS ${sqlName(name)}`);
  const columns = names.map((_, i) => `'c${i}': 'VARCHAR'`);
  const read = `read_csv(${sqlString(file.path)}, columns = {${columns.join(', ')}}, header = true,
    auto_detect = false, delim = ${sqlString(delimiter)}, quote = '"', escape = '"',
    nullstr = ${sqlString(from.nullText ?? '')}, allow_quoted_nulls = false, strict_mode = true,
    null_padding = false, max_line_size = ${LIMITS.fileLineBytes}, ${rejects.options})`;
  const isEmpty = names.length === 0;
  return {
    what: file.name,
    relation: isEmpty
      ? `(SELECT 1 AS __row WHERE false)`
      : `(SELECT ${[...cells, ...hive.select, 'row_number() OVER () AS __row'].join(', ')} FROM ${read})`,
    found,
    rowChecks: [],
    raw: rowAsJson(found),
    // The header is the first record.
    placeOf: (row, refused) => `${file.name}:${lineAmong(row + 1, refused)}`,
    expectedRows: null,
    refused: async () => {
      if (isEmpty) return [];
      const refused = await takeRefused(session, rejects);
      const end = isCompressed(file) || file.changedMs === null ? null : openEnd(file.path);
      if (end !== null && refused.at(-1)?.raw.trimEnd() === end.trimEnd())
        throw endsWithin(file.name);
      return refused;
    },
    has: async () => true,
  };
}

export function isCompressed({ path }: Pick<UpstreamFile, 'path'>): boolean {
  return path.toLowerCase().endsWith('.gz');
}

async function firstLine(session: DuckDbSession, file: UpstreamFile): Promise<string> {
  const rejects = rejectTables();
  try {
    const rows = await session.rows(`SELECT line FROM ${linesSql(file.path, rejects)} LIMIT 1`);
    await takeRefused(session, rejects);
    return String(rows[0]?.[0] ?? '').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw unreadable(file.name, cause);
  }
}

/** The delimiter that the header has most of; a comma where it has none. */
function sniffDelimiter(header: string): string {
  const counted = DELIMITERS.map((one) => ({ one, count: header.split(one).length }));
  return counted.reduce((most, next) => (next.count > most.count ? next : most)).one;
}

function headerNames(file: UpstreamFile, header: string, delimiter: string): string[] {
  const fields = splitRecord(header, delimiter);
  const problem =
    typeof fields === 'string' ? fields : fieldsProblem(fields.map((one) => one?.trim() ?? ''));
  if (typeof fields !== 'string' && problem === null) return fields.map((one) => one?.trim() ?? '');
  throw new AsofError('unreadable_file', `'${file.name}' has no usable header: ${problem}`, {
    path: file.name,
    remedy: 'The first line of a CSV file names its columns.',
  });
}

function fieldsProblem(names: readonly string[]): string | null {
  if (names.includes('')) return `column ${names.indexOf('') + 1} has no name.`;
  const twice = names.find((name, i) => names.indexOf(name) < i);
  return twice === undefined ? null : `'${twice}' is there twice.`;
}
