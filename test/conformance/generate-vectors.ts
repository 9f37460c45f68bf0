import type {
  AggregateNode,
  NamedColumn,
  NamedFeature,
  PickNode,
  ServiceNode,
  SourceNode,
  WindowNode,
} from '../../src/define/node.ts';
import { call, column } from '../../src/expr/build.ts';
import type { VectorOp } from '../../src/expr/node.ts';
import type { ValueType } from '../../src/schema/types.ts';

/** The column that some sources have. */
const COLUMN = 'place';
export const ASKED_VECTOR = 'q_v';
const OPS: readonly VectorOp[] = ['dot', 'cosine', 'distance', 'squared_distance'];
const FUNCTIONS = ['latest', 'last', 'first'] as const;
const META = { description: null, tags: [] } as const;

/**
 * Two features that are vectors, and what they measure against each other, where the source has a
 * column of them. Chosen by what is drawn already, so that a seed means what it did.
 */
export function vectorFeatures(
  source: SourceNode,
  sizes: readonly string[],
  at: number,
  isShort: boolean,
): NamedFeature[] {
  const found = source.columns.find(({ name }) => name === COLUMN)?.column;
  if (found?.kind !== 'column_definition') return [];
  const { type } = found;
  const turn = at + source.columns.length + sizes.length;
  const fns = isShort ? (['last', 'first'] as const) : FUNCTIONS;
  const one = `v${at}_place`;
  const other = `v${at}_former`;
  const op = OPS[turn % OPS.length] ?? 'dot';
  const expr = call(op, [column(one, type), column(other, type)]);
  const size = sizes[turn % sizes.length] ?? '5s';
  return [
    { name: one, feature: aggregateOf(fns[turn % fns.length] ?? 'last', type, size) },
    { name: other, feature: aggregateOf(fns[(turn + 1) % fns.length] ?? 'first', type, size) },
    { name: `v${at}_apart`, feature: { kind: 'derived', expr, default: undefined, ...META } },
  ];
}

function aggregateOf(fn: AggregateNode['fn'], type: ValueType, size: string): AggregateNode {
  const sliding: WindowNode = { kind: 'sliding', size, hop: null, exact: false, complete: false };
  const isLatest = fn === 'latest';
  return {
    kind: 'aggregate',
    fn,
    measure: column(COLUMN, type),
    sample: false,
    scale: null,
    size: null,
    count: null,
    rank: null,
    relativeError: null,
    filter: null,
    window: isLatest ? { kind: 'lifetime', hop: null, complete: false } : sliding,
    ttl: isLatest ? '1h' : null,
    type,
    default: undefined,
    ...META,
  };
}

/** What a request measures against a vector of a view, where a pick has one. */
export function askedVectors(
  picks: readonly PickNode[],
): Pick<ServiceNode, 'request' | 'onDemand'> {
  const outputs = picks.flatMap(({ view, features }) => {
    const wanted = features ?? view.features.map(({ name }) => ({ name, feature: name }));
    return wanted.flatMap(({ name, feature }) => {
      const found = view.features.find((other) => other.name === feature)?.feature;
      return found?.kind === 'aggregate' && found.type?.kind === 'vector'
        ? [{ name, type: found.type }]
        : [];
    });
  });
  const [output] = outputs;
  if (output === undefined) return { request: [], onDemand: [] };
  const { type } = output;
  const field: NamedColumn = {
    name: ASKED_VECTOR,
    column: { kind: 'column_definition', type, optional: true, min: null, max: null },
  };
  const expr = call('cosine', [column(output.name, type), column(ASKED_VECTOR, type)]);
  const feature = { kind: 'derived', expr, default: -2, ...META } as const;
  return { request: [field], onDemand: [{ name: 'asked_near', feature }] };
}

/** JSON of what float32 holds. */
export const ASKED_VECTORS = ['[1,2,3]', '[0,0,0]', '[-0.5,0.25,1.0000000150474662e+30]'] as const;
