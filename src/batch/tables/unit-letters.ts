import { sqlString } from '../../ingest/archive-relation.ts';
import type { UnreadRow } from '../../ingest/bulk-door.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { UNIT_COLUMN } from '../../schema/types.ts';
import { DOUBLED } from './fresh-rows.ts';
import { STAGE, type StagedPart } from './staged-part.ts';
import type { TableSource } from './table-source.ts';

/** Rows, and characters of them, of one chunk of dead letters. */
const LETTERS_ROWS = 1_000;
const LETTERS_CHARS = 2 * 1024 * 1024;

/** The rows of some units that do not count, in the order of their places, some at a time. */
export async function* unitLetters(
  session: DuckDbSession,
  table: TableSource,
  parts: readonly StagedPart[],
  units: ReadonlySet<string>,
): AsyncGenerator<UnreadRow[], void, void> {
  let held: UnreadRow[] = [];
  let chars = 0;
  for await (const letter of letters(session, table, parts, units)) {
    held.push(letter);
    chars += letter.raw.length;
    if (held.length < LETTERS_ROWS && chars < LETTERS_CHARS) continue;
    yield held;
    held = [];
    chars = 0;
  }
  if (held.length > 0) yield held;
}

async function* letters(
  session: DuckDbSession,
  table: TableSource,
  parts: readonly StagedPart[],
  units: ReadonlySet<string>,
): AsyncGenerator<UnreadRow, void, void> {
  for (const { refused, what, unit } of parts) {
    if (!units.has(unit)) continue;
    for (const { line, raw, message } of refused) {
      const place = `${what}:${line}`;
      yield { code: 'unreadable_row', column: null, message, raw, place };
    }
  }
  const wanted = [...units].map(sqlString).join(', ');
  if (wanted === '') return;
  const isNamed = `coalesce(${UNIT_COLUMN}, '') IN (${wanted})`;
  const bad = `SELECT __part, __row, __problem, __raw FROM ${STAGE}
    WHERE __problem IS NOT NULL AND ${isNamed} ORDER BY __part, __row`;
  for await (const chunk of session.chunks(bad)) {
    for (const [at, row, problem, raw] of chunk.getRows()) {
      const part = parts.find((one) => one.part === Number(at));
      const check = part?.checks[Number(problem)];
      if (part === undefined || check === undefined) continue;
      const place = part.placeOf(Number(row), part.refused);
      const { code, message, column } = check;
      yield { code, column, message, raw: String(raw), place };
    }
  }
  if (table.origin.duplicates !== 'reject') return;
  const doubled = `SELECT __part, __row FROM ${DOUBLED} WHERE ${UNIT_COLUMN} IN (${wanted})
    ORDER BY __part, __row`;
  const message = 'A row of its key and event time comes before it in its unit.';
  const [column = null] = table.origin.key;
  for await (const chunk of session.chunks(doubled)) {
    for (const [at, row] of chunk.getRows()) {
      const part = parts.find((one) => one.part === Number(at));
      const place = part?.placeOf(Number(row), part.refused) ?? '';
      yield { code: 'duplicate', column, message, raw: place, place };
    }
  }
}
