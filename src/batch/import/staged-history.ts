import { createHash } from 'node:crypto';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { UnreadRow } from '../../ingest/bulk-door.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { Stage } from '../tables/stage.ts';
import { STAGE } from '../tables/staged-part.ts';
import type { UpstreamRows } from '../tables/upstream-rows.ts';
import {
  matchUpstream,
  type SchemaMatch,
  type SchemaRules,
  upstreamNames,
} from '../tables/upstream-schema.ts';
import { type ImportInput, importParts } from './import-rows.ts';
import { ARRIVED, type ImportSource } from './import-source.ts';

/** Rows that can be events, in the order of their arrival, numbered from 1 as `__n`. */
export const HISTORY = 'asof_history';

/** What was read, before anything of it is sent. */
export interface StagedHistory {
  /** Rows of all parts, those that are no rows included. */
  readonly read: number;
  /** Rows that can be events. */
  readonly good: number;
  /** Names the content, and how it is to be taken: the same history gives the same run. */
  readonly run: string;
  /** Upstream columns that the source does not have. */
  readonly ignored: readonly string[];
  /** Rows that are none of the source, as dead letters. */
  readonly unread: () => AsyncGenerator<UnreadRow, void, void>;
}

/**
 * Reads the whole input into the session and puts it in order.
 * @throws AsofError `upstream_schema`, `upstream_changed`, `upstream_empty`, `rows_lost`,
 * `unreadable_file`
 */
export async function stageHistory(
  session: DuckDbSession,
  input: ImportInput,
  source: ImportSource,
  onPart: (name: string) => void,
): Promise<StagedHistory> {
  const { table, rules } = source;
  const stage = new Stage(session, table);
  await stage.clear();
  const wanted = rules.declared.flatMap((column) => upstreamNames(column, rules));
  const ignored = new Set<string>();
  for await (const { rows, unchanged } of importParts(session, input, wanted, rules.timeZone)) {
    onPart(rows.what);
    const match = matched(rows, rules);
    for (const name of match.extra) ignored.add(name);
    await stage.add(rows.what, rows, match);
    if (!unchanged()) {
      const message = `'${rows.what}' was written while it was read.`;
      throw new AsofError('upstream_changed', message, { path: rows.what });
    }
  }
  const read = stage.parts.reduce((sum, part) => sum + part.rows, 0);
  if (read === 0) {
    throw new AsofError('upstream_empty', `No row was read for '${table.source.name}'.`, {
      remedy: 'Check the paths or the query; nothing was imported.',
    });
  }
  const good = await order(session, source);
  return {
    read,
    good,
    run: await runOf(session, source, stage),
    ignored: [...ignored],
    unread: () => unreadRows(session, stage),
  };
}

/** @throws AsofError `upstream_schema`, in the words of the command */
function matched({ what, found }: UpstreamRows, rules: SchemaRules): SchemaMatch {
  try {
    return matchUpstream(what, found, rules);
  } catch (error) {
    if (!(error instanceof AsofError) || error.code !== 'upstream_schema') throw error;
    const issues = error.issues.map((one) => ({
      ...one,
      path: one.path.replace(ARRIVED, 'of arrivals'),
      remedy: one.path.includes(ARRIVED)
        ? 'Correct --arrival-column, or use --assumed-delay.'
        : one.remedy.replace(/declare rename: \{ \w+: '(\w+)' \}/, '--map their_name=$1'),
    }));
    throw new AsofError('upstream_schema', error.message, { path: what, issues });
  }
}

/** Rows that are equal in all that counts have no order of their own, and need none. */
async function order(session: DuckDbSession, source: ImportSource): Promise<number> {
  const { table, arrivalSql, options } = source;
  const { changes = null, eventTime, arrivalTime } = table.source;
  const columns = table.source.columns.map(({ name }) => sqlName(name));
  const fields = columns.map((name) => `${name} := ${name}`);
  // A declared arrival that files lack is the assumed one.
  const staged = table.source.columns.map(({ name }) =>
    name === arrivalTime && options.assumedDelayMs !== null
      ? `${arrivalSql} AS ${sqlName(name)}`
      : sqlName(name),
  );
  // What a change does depends on those before it: within one arrival the files' order stands.
  const sequence = changes === null || changes.sequence === null ? [] : [sqlName(changes.sequence)];
  const by =
    changes === null
      ? `${sqlName(eventTime)}, __hash`
      : [...sequence, '__part', '__row'].join(', ');
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${HISTORY} AS
     SELECT row_number() OVER (ORDER BY __arrival NULLS FIRST, ${by}) AS __n, *
     FROM (
       SELECT *, ${arrivalSql} AS __arrival,
         md5_number_lower(CAST(to_json(struct_pack(${fields.join(', ')})) AS VARCHAR)) AS __hash
       FROM (SELECT __part, __row, ${staged.join(', ')} FROM ${STAGE} WHERE __problem IS NULL))
     ORDER BY __n`,
  );
  const [row] = await session.rows(`SELECT count(*) FROM ${HISTORY}`);
  return Number(row?.[0] ?? 0);
}

async function runOf(
  session: DuckDbSession,
  { table, options }: ImportSource,
  stage: Stage,
): Promise<string> {
  const { name, changes = null } = table.source;
  const [good = []] = await session.rows(
    `SELECT count(*), CAST(sum(__hash) AS VARCHAR), CAST(bit_xor(hash_of) AS VARCHAR)
     FROM (SELECT __hash, md5_number_lower(concat(__hash, ' ', __arrival)) AS hash_of FROM ${HISTORY})`,
  );
  const [bad = []] = await session.rows(
    `SELECT count(*), CAST(sum(md5_number_lower(coalesce(__raw, ''))) AS VARCHAR)
     FROM ${STAGE} WHERE __problem IS NOT NULL`,
  );
  const refused = stage.parts.flatMap((part) => part.refused.map(({ raw }) => raw));
  const files = changes === null ? [] : stage.parts.map(({ what }) => what);
  const content = JSON.stringify([name, options.until, good, bad, refused, files], (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return `import-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
}

async function* unreadRows(
  session: DuckDbSession,
  stage: Stage,
): AsyncGenerator<UnreadRow, void, void> {
  for (const { refused, what } of stage.parts) {
    for (const { line, raw, message } of refused) {
      const place = `${what}:${line}`;
      yield { code: 'unreadable_row', column: null, message, raw, place };
    }
  }
  const bad = `SELECT __part, __row, __problem, __raw FROM ${STAGE}
    WHERE __problem IS NOT NULL ORDER BY __part, __row`;
  for await (const chunk of session.chunks(bad)) {
    for (const [at, row, problem, raw] of chunk.getRows()) {
      const part = stage.parts[Number(at)];
      const check = part?.checks[Number(problem)];
      if (part === undefined || check === undefined) continue;
      const { code, message } = check;
      const column = check.column === ARRIVED ? null : check.column;
      yield {
        code,
        column,
        message,
        raw: String(raw),
        place: part.placeOf(Number(row), part.refused),
      };
    }
  }
}

/** Chunks that the rows make; each is taken as a whole. */
export function chunksOf(rows: number): number {
  return Math.ceil(rows / LIMITS.bulkRows);
}
