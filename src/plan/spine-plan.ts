import { didYouMean } from '../base/suggest.ts';
import type { SourceNode, SpineNode } from '../define/node.ts';
import { columnCalled, presentName } from '../schema/evolution.ts';
import { parseTime } from '../schema/time-text.ts';
import { sameType, typeText, type ValueType } from '../schema/types.ts';
import { checkCondition, type Named, resolveExpr } from './expression-check.ts';
import { eventsHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import type { SourcePlan, SpinePlan } from './plan.ts';
import { resolveQuery } from './query-plan.ts';
import { declaredColumns } from './view-plan.ts';

/** A spine, the hashes of the sources that it reads, and its columns where they are known. */
export interface ResolvedSpine {
  readonly plan: SpinePlan;
  readonly meanings: Readonly<Record<string, string>>;
  readonly columns: readonly Named[] | null;
}

/** The column of an event's time in a spine of events. */
const EVENT_TIME = 'event_time';
const ROW_TIME: Named = { name: EVENT_TIME, type: { kind: 'timestamp' } };

/** Checks and resolves where a dataset's rows come from; null, and issues, where it cannot be. */
export function resolveSpine(
  node: SpineNode,
  sourceOf: (node: SourceNode) => SourcePlan | null,
  path: string,
  issues: IssueList,
): ResolvedSpine | null {
  if (node.kind === 'spine_events') return eventsOf(node, sourceOf, path, issues);
  if (node.kind === 'spine_query') {
    const { upstreams, sql, meanings } = resolveQuery(node.query, sourceOf, path, issues);
    return { plan: { kind: 'query', upstreams, sql, time: node.time }, meanings, columns: null };
  }
  if (node.path.trim() === '') {
    issues.add(
      'invalid_definition',
      path,
      'The spine has no path.',
      "Write spineFile('rows.csv').",
    );
  }
  const plan: SpinePlan = { kind: 'file', path: node.path, time: node.time };
  return { plan, meanings: {}, columns: null };
}

function eventsOf(
  node: SpineNode & { kind: 'spine_events' },
  sourceOf: (node: SourceNode) => SourcePlan | null,
  path: string,
  issues: IssueList,
): ResolvedSpine | null {
  if (node.source === null) {
    const remedy = 'Give spineEvents a stream() or a table().';
    issues.add('invalid_definition', path, 'The spine has no source.', remedy);
    return null;
  }
  const source = sourceOf(node.source);
  if (source === null) return null;
  const declared = declaredColumns(source);
  const filter = resolveExpr(node.filter, declared, 'column', `${path}.filter`, issues);
  checkCondition(filter, 'The spine', `${path}.filter`, issues);
  const fromMs = timeOf(node.from, `${path}.from`, issues);
  const toMs = timeOf(node.to, `${path}.to`, issues);
  if (fromMs !== null && toMs !== null && fromMs >= toMs) {
    const message = 'The spine ends before it begins.';
    issues.add('invalid_definition', `${path}.to`, message, 'Let from be before to.');
  }
  const columns = Object.entries(node.columns).flatMap(([name, column]): Named[] => {
    const place = `${path}.columns.${name}`;
    issues.checkName(place, 'a column', name);
    if (name === EVENT_TIME) {
      const message = `'${name}' is the column of the rows' own times.`;
      issues.add('column_collision', place, message, 'Give the column another name.');
    }
    const found = columnCalled(declared, column);
    if (found !== undefined) return [{ name, type: found.type }];
    const known = declared.map(presentName);
    const message = `The source '${source.name}' has no column '${column}'.${didYouMean(column, known)}`;
    issues.add('unknown_name', place, message, 'Use a column of the source.');
    return [];
  });
  const read = {
    filter,
    columns: Object.fromEntries(
      Object.entries(node.columns)
        .map(([name, column]) => [name, columnCalled(declared, column)?.name ?? column] as const)
        .sort(),
    ),
  };
  const plan: SpinePlan = { kind: 'events', source: source.name, fromMs, toMs, ...read };
  return { plan, meanings: { source: eventsHash(source, read) }, columns: [...columns, ROW_TIME] };
}

function timeOf(given: string | number | null, path: string, issues: IssueList): number | null {
  if (given === null) return null;
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given;
  const text = String(given);
  const timeMs = parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (typeof given === 'string' && timeMs !== null && timeMs >= 0) return timeMs;
  const remedy = "Write '2026-03-01', '2026-03-01T06:00:00Z', or epoch milliseconds.";
  issues.add('invalid_definition', path, `'${text}' is no time.`, remedy);
  return null;
}

/** That a spine has a column that is needed; only of one whose columns are known. */
export function checkOffered(
  spine: ResolvedSpine,
  needed: { readonly name: string; readonly type: ValueType; readonly noun: string },
  path: string,
  issues: IssueList,
): void {
  if (spine.columns === null) return;
  const found = spine.columns.find(({ name }) => name === needed.name);
  if (found === undefined) {
    const message = `The spine has no column for the ${needed.noun} '${needed.name}'.`;
    const remedy = `Add it to columns: { ${needed.name}: 'column' }.`;
    issues.add('invalid_definition', path, message, remedy);
  } else if (!sameType(found.type, needed.type)) {
    const message =
      `The ${needed.noun} '${needed.name}' is ${typeText(needed.type)}, ` +
      `but the spine's column is ${typeText(found.type)}.`;
    issues.add('type_mismatch', path, message, `Map it to a ${typeText(needed.type)} column.`);
  }
}
