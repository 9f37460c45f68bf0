import type { AggregateFn } from '../../src/aggregate/spec.ts';
import type { WindowSpec } from '../../src/aggregate/window.ts';
import { present } from '../../src/base/assert.ts';
import type { ExprNode } from '../../src/expr/node.ts';
import type { FeaturePlan, ProjectPlan } from '../../src/plan/plan.ts';
import type { Engine, Tally } from './tally.ts';

const FUNCTIONS: readonly AggregateFn[] = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'var_pop',
  'var_samp',
  'stddev_pop',
  'stddev_samp',
  'count_distinct',
  'quantile',
  'top_k',
  'histogram',
  'first_n',
  'last_n',
  'latest',
];

/** What a run of some size must have met at least once. */
export const REQUIRED: readonly string[] = [
  ...FUNCTIONS.map((fn) => `aggregate ${fn}`),
  ...['sliding', 'sliding complete', 'sliding exact', 'lifetime', 'lifetime complete'].map(
    (window) => `window ${window}`,
  ),
  ...['tumbling', 'tumbling complete', 'tumbling offset', 'session'].map((w) => `window ${w}`),
  ...['int64', 'decimal', 'float64', 'string', 'timestamp', 'bool'].map((k) => `measure ${k}`),
  'measure of rows',
  'measure computed',
  'filter of a view',
  'filter of a feature',
  'derived feature',
  'default declared',
  'key of one part',
  'key of two parts',
  'two sources',
  'keys given up',
  'two partitions',
  'an integer beyond 2^53 answered',
  'several values answered',
  ...FUNCTIONS.map((fn) => `retraction under ${fn}`),
  ...['tile', 'session'].map((state) => `retraction in a ${state}`),
  ...[
    'min',
    'max',
    'first',
    'last',
    'first_n',
    'last_n',
    'latest',
    'count_distinct',
    'session',
  ].map((fn) => `lacking ${fn}`),
  ...['delete', 'of a key', 'of a time', 'of a value'].map((kind) => `change ${kind}`),
  ...['row', 'envelope'].map((shape) => `changes as ${shape}`),
  'changes with a sequence',
  'retraction of what had left its window',
  'two versions of a view',
  'vectors in a source',
  'a letter taken later',
  ...['present', 'default', 'error', 'missing', 'expired', 'stale'].map(
    (status) => `status ${status}`,
  ),
  ...['present', 'default', 'error'].map((status) => `on demand ${status}`),
  'an attribute of null',
  'rows of one event time',
  ...['accepted', 'too_late', 'from_the_future', 'duplicate', 'wrong_type'].map(
    (verdict) => `verdict ${verdict}`,
  ),
  ...['not_live', 'unknown_operation', 'changed_id'].map((verdict) => `verdict ${verdict}`),
];

const DEATHS = ['before', 'after'].map((when) => `the process ended ${when} a chunk was taken`);

/** And what a path must have met, where it was played. */
export const REQUIRED_OF: Readonly<Partial<Record<Engine, readonly string[]>>> = {
  train: ['trained between an event and its retraction'],
  replay: ['replayed before and after a retraction', 'a tampered answer'],
  tiles: [
    'groups loaded from tiles',
    'tiles brought up to date by backfill',
    'tiles brought up to date by reconcile',
    'final tiles that changed',
    'a backfill that was killed',
  ],
  import: [
    'events imported',
    'imported ids that were known',
    'a history cut at the first live event',
    'a history of which some came live',
    'a history that came twice',
    ...DEATHS.map((when) => `import: ${when}`),
  ],
  rebuild: ['a rebuild after newer events', 'a rebuild after compaction'],
  tables: [
    'rows of a table taken back',
    'rows of a table that wait',
    'a unit removed',
    ...DEATHS.map((when) => `tables: ${when}`),
  ],
};

/** Counts what a project is made of. */
export function coverPlan(tally: Tally, plan: ProjectPlan): void {
  if (plan.sources.length > 1) tally.cover('two sources');
  if (plan.sources.some((source) => source.partitions > 1)) tally.cover('two partitions');
  for (const { changes, columns } of plan.sources) {
    if (columns.some(({ type }) => type.kind === 'vector')) tally.cover('vectors in a source');
    if (changes) tally.cover(`changes as ${changes.shape}`);
    if (changes?.sequence) tally.cover('changes with a sequence');
  }
  const names = new Set(plan.views.map(({ name }) => name));
  if (names.size < plan.views.length) tally.cover('two versions of a view');
  for (const entity of plan.entities) {
    tally.cover(entity.joinKeys.length > 1 ? 'key of two parts' : 'key of one part');
  }
  for (const view of plan.views) {
    if (view.filter !== null) coverExpression(tally, 'filter of a view', view.filter);
    for (const feature of view.features) coverFeature(tally, plan, feature);
  }
  for (const { expr } of plan.services.flatMap(({ onDemand }) => onDemand)) {
    coverExpression(tally, 'on-demand feature', expr);
  }
}

function coverFeature(tally: Tally, plan: ProjectPlan, feature: FeaturePlan): void {
  if (feature.default !== null && feature.default !== 0) tally.cover('default declared');
  if (feature.kind === 'derived') {
    coverExpression(tally, 'derived feature', feature.expr);
    return;
  }
  const { fn, parts } = feature;
  tally.cover(`aggregate ${fn}`);
  const group = present(
    plan.groups.find(({ id }) => id === feature.group),
    'the group of a feature',
  );
  tally.cover(`window ${windowName(present(group.windows[feature.window], 'a window'))}`);
  const part = present(parts.value ?? parts.sum ?? parts.count, 'a part');
  const accumulator = present(group.accumulators[part], 'an accumulator');
  const lane = present(group.lanes[accumulator.lane], 'a lane');
  if (lane.filter !== null) coverExpression(tally, 'filter of a feature', lane.filter);
  if (lane.measure === null) tally.cover('measure of rows');
  else {
    tally.cover(`measure ${lane.measure.type.kind}`);
    if (lane.measure.kind === 'call') coverExpression(tally, 'measure computed', lane.measure);
  }
}

function coverExpression(tally: Tally, what: string, node: ExprNode): void {
  tally.cover(what);
  const walk = (one: ExprNode): void => {
    if (one.kind !== 'call') return;
    tally.cover(`operation ${one.op}`);
    one.args.forEach(walk);
  };
  walk(node);
}

function windowName(window: WindowSpec): string {
  if (window.kind === 'sliding' && window.exact) return 'sliding exact';
  if (window.kind === 'tumbling' && window.offsetMs > 0) return 'tumbling offset';
  if (window.kind === 'session') return window.kind;
  return `${window.kind}${window.complete ? ' complete' : ''}`;
}
