import type { SourceNode, TableFromNode, TableNode } from '../define/node.ts';
import type { IssueList } from './issue-list.ts';
import type { SourcePlan, TableFromPlan } from './plan.ts';
import { resolveQuery } from './query-plan.ts';

interface ResolvedFrom {
  readonly from: TableFromPlan;
  /** Of a query: the hashes of what it reads, by their names in the SQL. */
  readonly meanings: Readonly<Record<string, string>>;
}

/** Stands for an origin that has issues, to go on with. */
const NOWHERE: TableFromPlan = { kind: 'query', upstreams: {}, sql: '' };

/** Checks and resolves where a table's rows come from. */
export function resolveFrom(
  { from }: TableNode,
  sourceOf: (node: SourceNode) => SourcePlan | null,
  tablePath: string,
  issues: IssueList,
): ResolvedFrom {
  const path = `${tablePath}.from`;
  switch (from.kind) {
    case 'files':
      return { from: filesOf(from, path, issues), meanings: {} };
    case 'postgres':
      return { from: postgresOf(from, path, issues), meanings: {} };
    case 'query': {
      const { upstreams, sql, meanings } = resolveQuery(from, sourceOf, path, issues);
      return { from: { kind: 'query', upstreams, sql }, meanings };
    }
    default:
      issues.addProblem(path, from);
      return { from: NOWHERE, meanings: {} };
  }
}

type FilesNode = TableFromNode & { kind: 'files' };

function filesOf(node: FilesNode, path: string, issues: IssueList): TableFromPlan {
  if (node.paths.length === 0 || node.paths.some((one) => one.trim() === '')) {
    const remedy = "Name a folder, or files: 'data/*.parquet'.";
    issues.add('invalid_definition', `${path}.paths`, 'A path is missing or empty.', remedy);
  }
  if (new Set(node.hive).size < node.hive.length) {
    const message = 'A hive column is named twice.';
    issues.add('invalid_definition', `${path}.hive`, message, 'Name each once, in their order.');
  }
  const { delimiter, nullText } = node;
  if (delimiter !== null && (delimiter.length !== 1 || /[\r\n"]/.test(delimiter))) {
    const message = `${JSON.stringify(delimiter)} cannot stand between two fields.`;
    const remedy = "Use one character, such as ';'.";
    issues.add('invalid_definition', `${path}.delimiter`, message, remedy);
  }
  const timeZone = timeZoneOf(node.timeZone, path, issues);
  const { format, paths, hive } = node;
  const finer = finerTimesOf(node.finerTimes, path, issues);
  return { kind: 'files', format, paths, hive, delimiter, nullText, timeZone, ...finer };
}

type PostgresNode = TableFromNode & { kind: 'postgres' };

function postgresOf(node: PostgresNode, path: string, issues: IssueList): TableFromPlan {
  const { connection, table, query } = node;
  if (connection.trim() === '') {
    const remedy = 'Name a connection of asof.json, or an environment variable.';
    issues.add('invalid_definition', `${path}.connection`, 'It names no connection.', remedy);
  }
  if ((table === null) === (query === null)) {
    const message = 'It names neither or both of a table and a query.';
    issues.add('invalid_definition', path, message, "Write table: 'public.orders', or query.");
  }
  const timeZone = timeZoneOf(node.timeZone, path, issues);
  const finer = finerTimesOf(node.finerTimes, path, issues);
  return { kind: 'postgres', connection, table, query, timeZone, ...finer };
}

function timeZoneOf(given: string | null, path: string, issues: IssueList): string {
  const timeZone = given ?? 'UTC';
  if (isTimeZone(timeZone)) return timeZone;
  const remedy = "Use a name such as 'Europe/Amsterdam', or leave it out for UTC.";
  issues.add('invalid_definition', `${path}.timeZone`, `There is no zone '${timeZone}'.`, remedy);
  return 'UTC';
}

/** Named only where it is not the default: plans from before have it so too. */
function finerTimesOf(
  given: string | null | undefined,
  path: string,
  issues: IssueList,
): { readonly finerTimes?: 'floor' } {
  if (given === 'floor') return { finerTimes: 'floor' };
  if ((given ?? 'refuse') === 'refuse') return {};
  const message = `'${given}' is nothing that can be done with times finer than a millisecond.`;
  issues.add('invalid_definition', `${path}.finerTimes`, message, "Write 'refuse' or 'floor'.");
  return {};
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
