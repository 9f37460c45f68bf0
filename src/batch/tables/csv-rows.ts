import bindings from '@duckdb/node-bindings';
import { AsofError } from '../../base/errors.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import { splitRecord } from '../../ingest/connectors/files/csv-record.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { TextReader } from '../../ingest/text-reader.ts';
import { type CsvLine, type CsvRecord, CsvRecords } from './csv-records.ts';
import { hiveCells } from './hive-cells.ts';
import { unreadable } from './parquet-rows.ts';
import { endsWithin, linesSql, openEnd, rejectTables, takeRefused } from './text-lines.ts';
import { TextLoader } from './text-loader.ts';
import type { FilesFrom, UpstreamFile } from './upstream-file.ts';
import { lineAmong, type RefusedRow, rowAsJson, type UpstreamRows } from './upstream-rows.ts';
import type { FoundColumn } from './upstream-schema.ts';

const DELIMITERS = [',', ';', '\t', '|'];

/** The session's table of the records of one file: their fields, or why a line is none. */
const RECORDS = 'asof_csv';
/** Behind the fields: the line, what is wrong with it, and its text if something is. */
const BESIDES = ['__line', '__bad', '__text'];

/**
 * The records of a CSV file (RFC 4180) whose first one names its columns. An empty field is null,
 * `""` is the empty text. DuckDB reads the lines, but records are made of them here: its own
 * reader gives up a file with mixed line ends, and a stray quote takes the rest of a file with it.
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
  const taken = names.filter((name) => !file.hive.has(name));
  const found = [
    ...taken.map((name): FoundColumn => ({ name, form: { kind: 'field' } })),
    ...hive.found,
  ];
  const nothing = { refused: [], isCut: false };
  const loaded = names.length === 0 ? nothing : await loadRecords(session, file, names, delimiter);
  const nullText = sqlString(from.nullText ?? '');
  const cells = taken.map((name) => {
    const cell = `c${names.indexOf(name)}`;
    return `${from.nullText === null ? cell : `nullif(${cell}, ${nullText})`} AS ${sqlName(name)}`;
  });
  const besides = ['CAST(__line AS BIGINT) AS __row', '__bad', '__text'];
  return {
    what: file.name,
    relation: `(SELECT ${[...cells, ...hive.select, ...besides].join(', ')} FROM ${RECORDS})`,
    found,
    rowChecks: [
      { code: 'unreadable_row', message: 'The line is no record.', sql: '__bad IS NOT NULL' },
    ],
    raw: `CASE WHEN __bad IS NULL THEN ${rowAsJson(found)} ELSE __text END`,
    placeOf: (row, before) => `${file.name}:${lineAmong(row, before)}`,
    expectedRows: null,
    refused: async () => {
      if (loaded.isCut) throw endsWithin(file.name);
      const end = isCompressed(file) || file.changedMs === null ? null : openEnd(file.path);
      if (end !== null && (await isLastBad(session, end))) throw endsWithin(file.name);
      return loaded.refused;
    },
    has: async () => true,
  };
}

/** Answers the lines that could not even be read as text. */
async function loadRecords(
  session: DuckDbSession,
  file: UpstreamFile,
  names: readonly string[],
  delimiter: string,
): Promise<{ readonly refused: readonly RefusedRow[]; readonly isCut: boolean }> {
  const columns = [...names.map((_, i) => `c${i}`), ...BESIDES];
  await session.run(
    `CREATE OR REPLACE TABLE ${RECORDS} (${columns.map((name) => `${name} VARCHAR`).join(', ')})`,
  );
  const records = new CsvRecords(delimiter, names.length);
  const rejects = rejectTables();
  const lines = await session.connect();
  const loader = await TextLoader.open(session, RECORDS, columns.length);
  const append = (some: readonly CsvRecord[]): void => {
    for (const { line, fields, text, bad } of some) {
      const own = bad === null ? fields : names.map(() => null);
      loader.append([...own, String(line), bad, bad === null ? null : text]);
    }
  };
  try {
    const texts = new TextReader();
    // The header is line 1.
    let number = 0;
    const sql = `SELECT coalesce(line, '') FROM ${linesSql(file.path, rejects)}`;
    for await (const chunk of lines.chunks(sql)) {
      const vector = bindings.data_chunk_get_vector(chunk.chunk, 0);
      const read = texts.read(vector, chunk.rowCount, null);
      const some = read.map((text, i): CsvLine => {
        return { number: number + i + 1, text: text.endsWith('\r') ? text.slice(0, -1) : text };
      });
      append(records.push(number === 0 ? some.slice(1) : some));
      number += read.length;
    }
    append(records.finish());
    loader.close();
    return { refused: await takeRefused(lines, rejects), isCut: records.isCut };
  } finally {
    loader.abandon();
    lines.close();
  }
}

/** Whether what follows the last line end is part of something that is no record. */
async function isLastBad(session: DuckDbSession, end: string): Promise<boolean> {
  const [row] = await session.rows(
    `SELECT __text FROM ${RECORDS} ORDER BY CAST(__line AS BIGINT) DESC LIMIT 1`,
  );
  return row !== undefined && row[0] !== null && String(row[0]).endsWith(end.trimEnd());
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
