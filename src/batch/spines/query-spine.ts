import { AsofError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { EventRelations } from '../event-relations.ts';
import { isOrdered, relationsRead, runSandboxed } from '../query-sandbox.ts';
import { fileRelation } from '../spine-source.ts';
import { shownEventsSql } from './live-events.ts';

/** The rows of one SELECT over sources and files. */
export interface QuerySpine {
  readonly sql: string;
  /** Name in the SQL → source of the plan; null where every source goes by its own name. */
  readonly upstreams: Readonly<Record<string, string>> | null;
  /** Name in the SQL → file. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Runs the query where nothing else can be reached, into a table of the database, and answers the
 * rows: in the query's own order if it has one, else by time and then by all of its columns.
 * @throws AsofError `unknown_source`, `file_not_found`, `query_refused`, `undeclared_upstream`
 */
export async function querySpineSql(
  session: DuckDbSession,
  spine: QuerySpine,
  from: { readonly plan: ProjectPlan; readonly history: EventRelations },
  time: string | null,
  options: RunOptions,
): Promise<string> {
  const own = await session.connect();
  const into = QUERY_SPINE;
  try {
    const relations: Record<string, string> = {};
    for (const [alias, path] of Object.entries(spine.files)) relations[alias] = fileRelation(path);
    const read = await relationsRead(session, spine.sql, WHAT);
    const upstreams = spine.upstreams ?? ownNames(from.plan);
    for (const [alias, name] of Object.entries(upstreams)) {
      if (spine.upstreams !== null && alias in spine.files) throw twice(alias);
      if (alias in spine.files || !read.has(alias.toLowerCase())) continue;
      const source = from.plan.sources.find((one) => one.name === name);
      if (source === undefined) throw unknownSource(from.plan, name);
      const relation = await from.history.attach(own.connection, source);
      relations[alias] = shownEventsSql(relation, source);
    }
    await runSandboxed(own, { sql: spine.sql, relations, what: WHAT }, into, options);
  } finally {
    own.close();
  }
  if (await isOrdered(session, spine.sql, WHAT)) return `(SELECT * FROM ${into})`;
  const described = await session.rows(`DESCRIBE ${into}`);
  const names = described.map(([name]) => String(name));
  const first = names.filter((name) => name === (time ?? 'event_time'));
  const order = [...first, ...names.filter((name) => !first.includes(name))].map(sqlName);
  return `(SELECT * FROM ${into} ORDER BY ${order.join(', ')})`;
}

/** The rows of a query, until they are numbered. */
export const QUERY_SPINE = 'asof_query_spine';

/** What the query is of. */
const WHAT = 'the spine';

function ownNames({ sources }: ProjectPlan): Readonly<Record<string, string>> {
  return Object.fromEntries(sources.map(({ name }) => [name, name]));
}

function twice(alias: string): AsofError {
  return new AsofError('usage', `'${alias}' names both a source and a file.`, {
    remedy: 'Give the file another name in --spine-file.',
  });
}

export function unknownSource(plan: ProjectPlan, name: string): AsofError {
  const names = plan.sources.map((source) => source.name);
  return new AsofError(
    'unknown_source',
    `No source is named '${name}'.${didYouMean(name, names)}`,
    {
      remedy: 'Name one that is applied.',
    },
  );
}
