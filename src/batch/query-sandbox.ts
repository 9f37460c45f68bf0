import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { sqlName, sqlString } from '../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';

/** One SELECT, and the only relations that it may read: name in the SQL → relation of the session. */
export interface SandboxedQuery {
  readonly sql: string;
  readonly relations: Readonly<Record<string, string>>;
  /** What the query is of, for messages: `The spine`, `The table 'x'`. */
  readonly what: string;
}

/** Table functions that read nothing. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest']);

/** Functions of the surroundings that DuckDB itself takes for pure. */
const SURROUNDINGS: ReadonlySet<string> = new Set([
  'current_setting',
  'getvariable',
  'getenv',
  'version',
  'reservoir_quantile',
]);

/** Aggregates whose result follows the order of rows, which nothing but ORDER BY gives. */
const BY_ORDER: ReadonlySet<string> = new Set([
  ...['first', 'last', 'any_value', 'arbitrary', 'list', 'array_agg', 'string_agg'],
  ...['group_concat', 'listagg'],
]);

/** Words that are functions of the surroundings, though they look like columns. */
const WORDS: ReadonlySet<string> = new Set([
  ...['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp'],
]);

/**
 * Refuses a query whose result would depend on more than the relations that it declares: on files,
 * undeclared relations, clocks, randomness or settings. Then answers it as a relation.
 *
 * @throws AsofError `query_refused`, `undeclared_upstream`
 */
export async function sandboxedSql(session: DuckDbSession, query: SandboxedQuery): Promise<string> {
  const { sql, relations, what } = query;
  const parsed = await parse(session, sql, what);
  const found = newFindings();
  collect(parsed, found, NO_PARTS);
  const impure = await impureFunctions(session);
  for (const name of found.functions) {
    if (!impure.has(name)) continue;
    throw refused(what, `calls ${name}(), whose result is not always the same`);
  }
  for (const name of found.words) {
    throw refused(what, `reads ${name}, which is not always the same`);
  }
  for (const name of found.unordered) {
    throw refused(what, `has ${name} without ORDER BY: what it gives depends on the order of rows`);
  }
  for (const name of found.tableFunctions) {
    if (TABLE_FUNCTIONS.has(name)) continue;
    throw refused(what, `reads ${name}(…), which is none of its sources`);
  }
  const known = new Map(Object.keys(relations).map((name) => [name.toLowerCase(), name]));
  for (const table of found.outside) {
    if (known.has(table.toLowerCase())) continue;
    throw new AsofError('undeclared_upstream', `${what} reads '${table}', which is not declared.`, {
      remedy: `Declare it, or correct its name.${didYouMean(table, known.values())}`,
    });
  }
  for (const name of found.ctes) {
    if (!known.has(name)) continue;
    throw refused(what, `names a part '${name}' like one of its sources`);
  }
  // On a line of its own the bracket is no part of a comment that ends the query.
  return `(${sql.trim().replace(/;\s*$/, '')}\n)`;
}

/**
 * The relations, by their names in lower case, that a query reads.
 * @throws AsofError `query_refused`
 */
export async function relationsRead(
  session: DuckDbSession,
  sql: string,
  what: string,
): Promise<ReadonlySet<string>> {
  const found = newFindings();
  collect(await parse(session, sql, what), found, NO_PARTS);
  return new Set([...found.tables].map((name) => name.toLowerCase()));
}

/**
 * Whether the query as a whole gives its rows an order; one within a window or a part of it does not.
 * @throws AsofError `query_refused`
 */
export async function isOrdered(
  session: DuckDbSession,
  sql: string,
  what: string,
): Promise<boolean> {
  const statement = await parse(session, sql, what);
  const node = isRecord(statement) ? statement.node : null;
  const modifiers = isRecord(node) && Array.isArray(node.modifiers) ? node.modifiers : [];
  return modifiers.some((one) => isRecord(one) && one.type === 'ORDER_MODIFIER');
}

/**
 * Makes a table of the query's rows, in the order it gives them. It runs on a connection of its own
 * that knows nothing but the declared relations.
 *
 * @throws AsofError `query_refused`, `undeclared_upstream`
 */
export async function runSandboxed(
  session: DuckDbSession,
  query: SandboxedQuery,
  into: string,
  options: RunOptions = {},
): Promise<void> {
  const sql = await sandboxedSql(session, query);
  // Parts of the statement may bear the names of what they are made of, which views may not.
  const parts = Object.entries(query.relations).map(
    ([name, relation]) => `${sqlName(name)} AS NOT MATERIALIZED (SELECT * FROM ${relation})`,
  );
  const declared = parts.length === 0 ? '' : `WITH ${parts.join(', ')}`;
  try {
    const rows = `${declared} SELECT * FROM ${sql}`;
    await session.run(`CREATE OR REPLACE TABLE ${into} AS ${rows}`, options);
  } catch (cause) {
    // The SQL is the user's, so what is wrong with it is too.
    if (cause instanceof AsofError && cause.code === 'internal') {
      throw refused(query.what, `cannot be run. ${words(cause)}`, cause);
    }
    throw cause;
  }
}

function words(cause: Error): string {
  return cause.message.replace(/ In: [\s\S]*$/, '').replace(/^DuckDB: /, '');
}

function refused(what: string, why: string, cause?: unknown): AsofError {
  return new AsofError('query_refused', `The query of ${what} ${why}.`.replace(/\.\.$/, '.'), {
    ...(cause === undefined ? {} : { cause }),
  });
}

async function parse(session: DuckDbSession, sql: string, what: string): Promise<unknown> {
  const [row] = await session.rows(`SELECT CAST(json_serialize_sql(${sqlString(sql)}) AS VARCHAR)`);
  const parsed: unknown = JSON.parse(String(row?.[0]));
  if (!isRecord(parsed)) throw refused(what, 'cannot be read');
  if (parsed.error === true) {
    const isOther = parsed.error_type === 'not implemented';
    throw refused(what, isOther ? 'is no plain SELECT' : `is no SQL: ${parsed.error_message}`);
  }
  const { statements } = parsed;
  if (!Array.isArray(statements) || statements.length !== 1) {
    throw refused(what, 'is not one statement');
  }
  return statements[0];
}

interface Findings {
  readonly tables: Set<string>;
  /** Those of the tables that are no part of the statement which can be seen from where they stand. */
  readonly outside: Set<string>;
  readonly ctes: Set<string>;
  readonly functions: Set<string>;
  readonly tableFunctions: Set<string>;
  readonly words: Set<string>;
  /** What follows the order of rows without giving one. */
  readonly unordered: Set<string>;
}

function newFindings(): Findings {
  const sets = { functions: new Set<string>(), tableFunctions: new Set<string>() };
  const tables = { tables: new Set<string>(), outside: new Set<string>() };
  return { ...tables, ctes: new Set(), words: new Set(), unordered: new Set(), ...sets };
}

const NO_PARTS: ReadonlySet<string> = new Set();

/** Walks DuckDB's own tree of the statement; `parts` are the names that WITH gives where it is. */
function collect(node: unknown, found: Findings, parts: ReadonlySet<string>): void {
  if (Array.isArray(node)) {
    for (const each of node) collect(each, found, parts);
    return;
  }
  if (!isRecord(node)) return;
  if (node.type === 'BASE_TABLE') {
    collectTable(node, found, parts);
  } else if (node.type === 'TABLE_FUNCTION') {
    const { function: called } = node;
    if (isRecord(called)) found.tableFunctions.add(String(called.function_name).toLowerCase());
    else found.tableFunctions.add('a table function');
    if (isRecord(called)) collect(called.children, found, parts);
    return;
  } else if (node.type === 'SHOW_REF') {
    found.tableFunctions.add('show');
  } else if (node.class === 'FUNCTION') {
    collectFunction(node, found);
  } else if (node.class === 'COLUMN_REF' && Array.isArray(node.column_names)) {
    const [name, ...more] = node.column_names.map((one) => String(one).toLowerCase());
    if (name !== undefined && more.length === 0 && WORDS.has(name)) found.words.add(name);
  }
  if (isRecord(node.sample)) found.words.add('a sample');
  if (Array.isArray(node.modifiers)) collectLimit(node.modifiers, found);
  const { cte_map: ctes, ...rest } = node;
  const seen = isRecord(ctes) ? collectParts(ctes.map, found, parts) : parts;
  for (const [key, each] of Object.entries(rest)) {
    // A recursive part knows itself in the half that is repeated, and nowhere else.
    const isRepeated = node.type === 'RECURSIVE_CTE_NODE' && key === 'right';
    const own = isRepeated ? [String(node.cte_name).toLowerCase()] : [];
    collect(each, found, own.length === 0 ? seen : new Set([...seen, ...own]));
  }
}

function collectTable(
  node: Readonly<Record<string, unknown>>,
  found: Findings,
  parts: ReadonlySet<string>,
): void {
  const place = [node.catalog_name, node.schema_name, node.table_name].filter((part) => part);
  const name = place.join('.');
  found.tables.add(name);
  if (place.length > 1 || !parts.has(name.toLowerCase())) found.outside.add(name);
}

/** Answers the names that are known behind a WITH: each part knows those before it alone. */
function collectParts(
  ctes: unknown,
  found: Findings,
  parts: ReadonlySet<string>,
): ReadonlySet<string> {
  const seen = new Set(parts);
  for (const cte of Array.isArray(ctes) ? ctes : []) {
    if (!isRecord(cte)) continue;
    collect(cte.value, found, new Set(seen));
    const name = String(cte.key).toLowerCase();
    found.ctes.add(name);
    seen.add(name);
  }
  return seen;
}

function collectFunction(node: Readonly<Record<string, unknown>>, found: Findings): void {
  const name = String(node.function_name).toLowerCase();
  found.functions.add(name);
  const { children, order_bys: order } = node;
  // The age of one time is that since today.
  if (name === 'age' && Array.isArray(children) && children.length === 1) found.words.add('age(…)');
  const orders = isRecord(order) && Array.isArray(order.orders) ? order.orders : [];
  if (BY_ORDER.has(name) && orders.length === 0) found.unordered.add(`${name}(…)`);
}

function collectLimit(modifiers: readonly unknown[], found: Findings): void {
  const types = modifiers.map((one) => (isRecord(one) ? String(one.type) : ''));
  const isLimited = types.some((type) => type.startsWith('LIMIT'));
  if (isLimited && !types.includes('ORDER_MODIFIER')) found.unordered.add('LIMIT');
}

/** Functions that may answer differently each time, and macros that call one of them. */
async function impureFunctions(session: DuckDbSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows(
    `SELECT lower(function_name) FROM duckdb_functions()
     WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')`,
  );
  const impure = new Set([...SURROUNDINGS, ...rows.map(([name]) => String(name))]);
  const macros = await session.rows(
    `SELECT lower(function_name), lower(macro_definition) FROM duckdb_functions()
     WHERE macro_definition IS NOT NULL`,
  );
  for (const [name, definition] of macros) {
    const called = String(definition).matchAll(/([a-z_0-9]+)"?\s*\(/g);
    const isImpure = [...called].some(([, fn]) => fn !== undefined && impure.has(fn));
    if (isImpure || /\bselect\b/.test(String(definition))) impure.add(String(name));
  }
  return impure;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
