import type { AggregateNode, NamedFeature } from '../../src/define/node.ts';
import { call, column, literal } from '../../src/expr/build.ts';
import type { ValueType } from '../../src/schema/types.ts';
import type { Edit } from './edits.ts';
import { editAggregate, editView } from './world.ts';

const INT64: ValueType = { kind: 'int64' };

const field = (name: string, type: ValueType): ReturnType<typeof column> => column(name, type);

const aggregate = (
  name: string,
  rule: Edit['rules'][number],
  suits: (node: AggregateNode) => boolean,
  edit: (node: AggregateNode) => AggregateNode,
): Edit => ({
  name,
  rules: [rule],
  apply: (random, world) => editAggregate(random, world, suits, edit),
});

const isNumber = ({ measure }: AggregateNode): boolean =>
  measure?.kind === 'column' && ['int64', 'decimal'].includes(measure.type.kind);

const POSITIVE = call('gt', [field('n', INT64), literal(INT64, 0)]);

/** Of views and their features. */
export const VIEW_EDITS: readonly Edit[] = [
  {
    name: 'a filter of the view',
    rules: ['filter_changed'],
    apply: (random, world) => editView(random, world, (view) => ({ ...view, filter: POSITIVE })),
  },
  aggregate(
    'a filter of a feature',
    'filter_changed',
    () => true,
    (node) => ({ ...node, filter: POSITIVE }),
  ),
  {
    name: 'nulls pass the filter',
    rules: ['null_handling_changed'],
    apply: (random, world) =>
      editView(random, world, (view) => {
        const { filter } = view;
        if (filter === null || filter.kind !== 'call') return null;
        const passed = call('coalesce', [filter, literal({ kind: 'bool' }, true)]);
        return { ...view, filter: passed };
      }),
  },
  aggregate(
    'nulls count as zero',
    'null_handling_changed',
    (node) => isNumber(node) && ['sum', 'avg', 'count', 'min'].includes(node.fn),
    (node) => {
      const { measure } = node;
      if (measure === null || measure.kind === 'problem') return node;
      return { ...node, measure: call('coalesce', [measure, literal(measure.type, 0)]) };
    },
  ),
  {
    name: 'another column of the key',
    rules: ['view_key_changed'],
    apply: (random, world) =>
      editView(random, world, (view) =>
        'user_key' in view.key && !('label_key' in view.key)
          ? { ...view, key: { ...view.key, user_key: 's' } }
          : null,
      ),
  },
  aggregate(
    'another window',
    'window_changed',
    ({ window }) => window?.kind === 'sliding' || window?.kind === 'tumbling',
    (node) => ({
      ...node,
      window: { kind: 'sliding', size: '20m', hop: null, exact: false, complete: false },
    }),
  ),
  aggregate(
    'a gap of a session',
    'window_changed',
    ({ window }) => window?.kind === 'session',
    (node) => ({ ...node, window: { kind: 'session', gap: '2s', options: [] } }),
  ),
  aggregate(
    'another function',
    'aggregation_changed',
    ({ fn }) => fn === 'min' || fn === 'max' || fn === 'first' || fn === 'last',
    (node) => ({ ...node, fn: node.fn === 'max' ? 'min' : 'max' }),
  ),
  aggregate(
    'another measure',
    'measure_changed',
    (node) => node.measure?.kind === 'column' && node.measure.type.kind === 'int64',
    (node) => ({ ...node, measure: call('add', [field('m', INT64), literal(INT64, 1)]) }),
  ),
  aggregate(
    'another default',
    'default_changed',
    ({ type, fn }) => type?.kind === 'int64' && fn !== 'latest',
    (node) => ({ ...node, default: node.default === 41 ? 42 : 41 }),
  ),
  aggregate(
    'another scale of the sum',
    'scale_changed',
    ({ fn, measure }) =>
      (fn === 'sum' || fn === 'avg') &&
      measure !== null &&
      measure.kind !== 'problem' &&
      measure.type.kind === 'float64',
    (node) => ({ ...node, scale: node.scale === 0 ? null : 0 }),
  ),
  aggregate(
    'another ttl',
    'ttl_changed',
    ({ fn }) => fn === 'latest',
    (node) => ({ ...node, ttl: node.ttl === '1s' ? '7d' : '1s' }),
  ),
  aggregate(
    'another length',
    'length_changed',
    ({ fn }) => fn === 'firstN' || fn === 'lastN',
    (node) => ({ ...node, count: node.count === 1 ? 4 : 1 }),
  ),
  aggregate(
    'another rank',
    'rank_changed',
    ({ fn }) => fn === 'quantile',
    (node) => ({ ...node, rank: node.rank === 1 ? 0.1 : 1 }),
  ),
  aggregate(
    'a coarser sketch',
    'precision_changed',
    ({ fn }) => fn === 'quantile' || fn === 'median',
    (node) => ({ ...node, relativeError: node.relativeError === 0.5 ? 0.001 : 0.5 }),
  ),
  {
    name: 'a feature more',
    rules: ['feature_added'],
    apply: (random, world) =>
      editView(random, world, (view) => {
        const [first] = view.features;
        if (first === undefined) return null;
        const more: NamedFeature = { ...first, name: `more_of_${view.name.replace('.', '_')}` };
        return { ...view, features: [...view.features, more] };
      }),
  },
  {
    name: 'a derived feature is another',
    rules: ['expression_changed', 'null_handling_changed', 'feature_type_changed'],
    apply: (random, world) =>
      editView(random, world, (view) => {
        const derived = view.features.find(({ feature }) => feature.kind === 'derived');
        if (derived === undefined || derived.feature.kind !== 'derived') return null;
        const { expr } = derived.feature;
        if (expr.kind === 'problem') return null;
        const feature = { ...derived.feature, expr: call('is_null', [expr]), default: undefined };
        return {
          ...view,
          features: view.features.map((one) => (one === derived ? { ...one, feature } : one)),
        };
      }),
  },
];
