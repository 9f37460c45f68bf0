import { durationMs } from '../base/duration.ts';
import { LIMITS } from '../base/limits.ts';
import type { SourceNode, TableNode } from '../define/node.ts';
import {
  type ColumnSchema,
  SNAPSHOT_TIME_COLUMN,
  type TableSchema,
  UNIT_COLUMN,
} from '../schema/types.ts';
import { keepOf } from './changes-plan.ts';
import { resolveExpectations } from './expectation-plan.ts';
import { originHash, sourceHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import { checkReadable, checkTokensRead } from './personal-columns.ts';
import type { SourcePlan, TableOriginPlan } from './plan.ts';
import { reachOf } from './query-plan.ts';
import { checkRole, resolveColumns } from './source-columns.ts';
import { resolveEvolution } from './source-evolution.ts';
import { DEFAULT_HORIZON, DEFAULT_SKEW, metaOf } from './source-plan.ts';
import { resolveFrom } from './table-from-plan.ts';

/** Kinds that can name a row, and its unit. */
const KEY_KINDS = ['string', 'int64', 'decimal', 'timestamp', 'bool'];
const UNIT_KINDS = ['string', 'int64', 'timestamp'];
const DEFAULT_SNAPSHOT_AT = '24h';
/** Less than of a stream: a table has many rows of a key, and only rewrites take them back. */
const DEFAULT_KEEP = 100;

/**
 * Checks and resolves a table; a plan is given even where there are issues, to go on with. To all
 * that reads the log it is a source like any other: no row is too late, and none has an id.
 */
export function resolveTable(
  node: TableNode,
  sourceOf: (node: SourceNode) => SourcePlan | null,
  issues: IssueList,
): SourcePlan {
  const path = `sources.${node.name}`;
  issues.checkDefinitionName(path, 'a table', node.name);
  const before = issues.count;
  checkQueries(node, path, issues);
  const isSound = issues.count === before;
  const columns = resolveColumns(node, issues);
  checkColumns(node, columns, issues);
  const day = typeof node.eventTime === 'string' ? null : node.eventTime.day;
  checkReadable({ name: node.name, columns }, { 'a unit': node.unitBy, 'a day': day }, issues);
  const evolved = resolveEvolution(node, columns, issues);
  const { firstName } = evolved;
  const snapshot = snapshotOf(node, firstName, path, issues);
  const eventTime =
    typeof node.eventTime === 'string' ? firstName(node.eventTime) : SNAPSHOT_TIME_COLUMN;
  const table: TableSchema = { keep: keepOf(node.keep ?? DEFAULT_KEEP, `${path}.keep`, issues) };
  const upstreamOf = isSound ? sourceOf : () => null;
  const { from, meanings } = resolveFrom(node, upstreamOf, path, issues);
  const read = node.from.kind === 'query' ? node.from.upstreams : [];
  const upstreams = read.flatMap(({ source }) => (source && upstreamOf(source)) ?? []);
  checkTokensRead({ name: node.name, columns }, upstreams, issues);
  const meaning = {
    from,
    snapshot,
    key: [...new Set(node.key.map(firstName))].sort(),
    duplicates: duplicatesOf(node, path, issues),
    assumedDelayMs: assumedDelayOf(node, path, issues),
  };
  const source = {
    name: node.name,
    columns: [...evolved.columns, ...computedColumns(snapshot !== null)],
    eventTime,
    arrivalTime: node.knownAt === null ? null : firstName(node.knownAt),
    id: null,
    allowedLatenessMs: LIMITS.tableLatenessMs,
    maxClockSkewMs: durationMs(DEFAULT_SKEW),
    dedupeHorizonMs: durationMs(DEFAULT_HORIZON),
    partitions: 1,
    changes: null,
    table,
    ...(evolved.evolution.length === 0 ? {} : { evolution: evolved.evolution }),
  };
  const origin: TableOriginPlan = {
    ...meaning,
    hash: originHash(meaning, meanings),
    unitBy: node.unitBy === null ? (snapshot?.dayColumn ?? null) : firstName(node.unitBy),
    rename: renameOf(node, columns, firstName, path, issues),
    graceMs: node.grace === null ? null : issues.duration(`${path}.grace`, node.grace),
    mayBeEmpty: node.mayBeEmpty,
    expectations: resolveExpectations(
      node.expectations,
      evolved.columns,
      'column',
      `${path}.expect`,
      issues,
    ),
  };
  const meta = metaOf(node);
  return { ...source, origin, hash: sourceHash({ ...source, origin }), meta };
}

/** What asof itself adds to each row; no definition can name it. */
function computedColumns(isSnapshot: boolean): ColumnSchema[] {
  const computed = { optional: false, min: null, max: null };
  const time: ColumnSchema = {
    ...computed,
    name: SNAPSHOT_TIME_COLUMN,
    type: { kind: 'timestamp' },
  };
  const unit: ColumnSchema = { ...computed, name: UNIT_COLUMN, type: { kind: 'string' } };
  return isSnapshot ? [time, unit] : [unit];
}

/** A query cannot read what is made from it: nodes are made one after the other, but names agree. */
function checkQueries(node: TableNode, path: string, issues: IssueList): void {
  const reach = reachOf(node, LIMITS.queryDepth);
  if (reach === 'too far') {
    const message = `'${node.name}' is made by more than ${LIMITS.queryDepth} queries in a row.`;
    issues.add('invalid_definition', `${path}.from`, message, 'Join some of the queries.');
  } else if (reach === 'itself') {
    const message = `The query of '${node.name}' reads a source of its own name.`;
    issues.add('invalid_definition', `${path}.from`, message, 'Rename one of the two.');
  }
}

function checkColumns(node: TableNode, columns: readonly ColumnSchema[], issues: IssueList): void {
  const { eventTime } = node;
  if (typeof eventTime === 'string') {
    checkRole(node, columns, 'eventTime', eventTime, ['timestamp'], issues);
  } else {
    checkRole(node, columns, 'eventTime.day', eventTime.day, ['string', 'timestamp'], issues);
  }
  checkRole(node, columns, 'knownAt', node.knownAt, ['timestamp'], issues);
  for (const name of node.key) checkRole(node, columns, 'key', name, KEY_KINDS, issues);
  checkRole(node, columns, 'unitBy', node.unitBy, UNIT_KINDS, issues);
}

function snapshotOf(
  { eventTime }: TableNode,
  firstName: (present: string) => string,
  path: string,
  issues: IssueList,
): TableOriginPlan['snapshot'] {
  if (typeof eventTime === 'string') return null;
  const at = eventTime.at ?? DEFAULT_SNAPSHOT_AT;
  const offsetMs = issues.delay(`${path}.eventTime.at`, at) ?? 0;
  return { dayColumn: firstName(eventTime.day), offsetMs };
}

function duplicatesOf(
  node: TableNode,
  path: string,
  issues: IssueList,
): TableOriginPlan['duplicates'] {
  const { duplicates } = node;
  if (duplicates !== null && node.key.length === 0) {
    const message = 'It says what to do with duplicates, but no key says what is one.';
    issues.add('invalid_definition', `${path}.duplicates`, message, "Add key: ['column'].");
  }
  if (duplicates === null || duplicates === 'fail') return 'fail';
  if (duplicates === 'reject' || duplicates === 'latest') return duplicates;
  const message = `'${String(duplicates)}' is nothing that can be done with duplicates.`;
  const remedy = "Write 'fail', 'reject' or 'latest'.";
  issues.add('invalid_definition', `${path}.duplicates`, message, remedy);
  return 'fail';
}

function assumedDelayOf(node: TableNode, path: string, issues: IssueList): number | null {
  if (node.assumedDelay === null) return null;
  if (node.knownAt !== null) {
    const message = 'A column says when a row was known, and a delay is assumed beside it.';
    const remedy = 'Leave out knownAt or assumedDelay.';
    issues.add('invalid_definition', `${path}.assumedDelay`, message, remedy);
  }
  return issues.delay(`${path}.assumedDelay`, node.assumedDelay);
}

function renameOf(
  node: TableNode,
  columns: readonly ColumnSchema[],
  firstName: (present: string) => string,
  path: string,
  issues: IssueList,
): TableOriginPlan['rename'] {
  const taken = new Set<string>();
  for (const [upstream, name] of Object.entries(node.rename)) {
    const place = `${path}.rename.${upstream}`;
    checkNamed(columns, name, place, issues);
    if (taken.has(name)) {
      const message = `Two names are renamed to '${name}'.`;
      issues.add('invalid_definition', place, message, 'Rename one to each column.');
    }
    taken.add(name);
  }
  return Object.fromEntries(
    Object.entries(node.rename)
      .map(([upstream, name]) => [upstream, firstName(name)] as const)
      .sort(),
  );
}

function checkNamed(
  columns: readonly ColumnSchema[],
  name: string,
  path: string,
  issues: IssueList,
): void {
  if (columns.some((column) => column.name === name)) return;
  const message = `The table has no column '${name}'.`;
  issues.add('unknown_name', path, message, 'Write { upstream_name: column of the table }.');
}
