import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { RefusedRow } from './upstream-rows.ts';

const NEWLINE = 0x0a;
let rejectsNamed = 0;

/** Names of the two tables into which DuckDB puts what it cannot read; one pair for each reading. */
export interface RejectTables {
  readonly errors: string;
  readonly scans: string;
  /** The options of `read_csv` that fill them. */
  readonly options: string;
}

export function rejectTables(): RejectTables {
  rejectsNamed += 1;
  const errors = `rejected_rows_${rejectsNamed}`;
  const scans = `rejected_scans_${rejectsNamed}`;
  const options = `store_rejects = true, rejects_limit = 0,
    rejects_table = '${errors}', rejects_scan = '${scans}'`;
  return { errors, scans, options };
}

/** What DuckDB could not read, a line once; the tables are gone afterwards. */
export async function takeRefused(
  session: DuckDbSession,
  { errors, scans }: RejectTables,
): Promise<RefusedRow[]> {
  const rows = await session.rows(
    `SELECT line, first(csv_line), first(error_message ORDER BY column_idx)
     FROM ${errors} GROUP BY line ORDER BY line`,
  );
  await session.run(`DROP TABLE ${errors}; DROP TABLE ${scans}`);
  return rows.map(([line, raw, message]) => {
    return { line: Number(line), raw: String(raw ?? ''), message: String(message).trim() };
  });
}

/** Lines as one column, `line`; null where a line is empty. */
export function linesSql(path: string, rejects: RejectTables): string {
  return `read_csv(${sqlString(path)}, columns = {'line': 'VARCHAR'}, auto_detect = false,
    header = false, delim = chr(31), quote = '', escape = '', strict_mode = false,
    max_line_size = ${LIMITS.fileLineBytes}, ${rejects.options})`;
}

/** The text after the last line end of a file, or null where it ends with one, or is empty. */
export function openEnd(path: string): string | null {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, LIMITS.fileLineBytes);
    const tail = Buffer.alloc(length);
    readSync(file, tail, 0, length, size - length);
    if (length === 0 || tail[length - 1] === NEWLINE) return null;
    return tail.subarray(tail.lastIndexOf(NEWLINE) + 1).toString('utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a compressed file to its end once, as DuckDB takes one that is cut for one that ends there.
 * @throws AsofError `unreadable_file`
 */
export async function requireWholeGzip(name: string, path: string): Promise<void> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(path), createGunzip(), nowhere);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('unreadable_file', `'${name}' cannot be read: ${words}.`, {
      path: name,
      remedy: 'It is cut or damaged: write it again, and under another name first.',
      cause,
    });
  }
}

export function endsWithin(name: string): AsofError {
  return new AsofError('upstream_changed', `'${name}' ends in the middle of a row.`, {
    path: name,
    remedy: 'It is half written, or was cut: write it again, whole, and run this again.',
  });
}
