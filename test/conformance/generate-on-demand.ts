import type { Random } from '../../src/base/random.ts';
import type { NamedColumn, PickNode, ServiceNode } from '../../src/define/node.ts';
import { referencedColumns } from '../../src/expr/references.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import { formatDecimal } from '../../src/schema/json.ts';
import type { Scalar, Single, ValueType, VectorValue } from '../../src/schema/types.ts';
import type { OracleKey } from '../../src/testing/platform-oracle.ts';
import { ExpressionGenerator, type Field } from './generate-expression.ts';
import { defaultFor } from './generate-features.ts';
import { ASKED_VECTORS, askedVectors } from './generate-vectors.ts';

/** Fields of requests and expressions over them and the service's outputs; half of the time none. */
export function generateOnDemand(
  random: Random,
  picks: readonly PickNode[],
): Pick<ServiceNode, 'request' | 'onDemand'> {
  if (random.below(2) === 0) return { request: [], onDemand: [] };
  const fields = requestFields(random);
  const request = fields.map(({ name, type }): NamedColumn => {
    const optional = random.below(2) === 0;
    const column = { kind: 'column_definition', type, optional, min: null, max: null } as const;
    return { name, column };
  });
  const readable = [...fields, ...picks.flatMap(outputsOf)];
  const onDemand = Array.from({ length: 1 + random.below(3) }, (_, nr) => {
    const expressions = new ExpressionGenerator(random, readable);
    const { type } = random.pick(random.below(2) === 0 ? fields : readable);
    const expr = random.below(3) === 0 ? expressions.condition(2) : expressions.value(type, 2);
    const meta = { description: null, tags: [] };
    const fallback = defaultFor(random, expr.type);
    return {
      name: `asked_${nr}`,
      feature: { kind: 'derived', expr, default: fallback, ...meta } as const,
    };
  });
  const vectors = askedVectors(picks);
  return {
    request: [...request, ...vectors.request],
    onDemand: [...onDemand, ...vectors.onDemand],
  };
}

function requestFields(random: Random): Field[] {
  const all: Field[] = [
    { name: 'q_n', type: { kind: 'int64' } },
    { name: 'q_d', type: { kind: 'decimal', scale: random.pick([2, 2, 0, 5]) } },
    { name: 'q_x', type: { kind: 'float64', scale: 6 } },
    { name: 'q_s', type: { kind: 'string' } },
    { name: 'q_b', type: { kind: 'bool' } },
    { name: 'q_t', type: { kind: 'timestamp' } },
  ];
  const some = all.filter(() => random.below(2) === 0);
  return some.length === 0 ? all : some;
}

/** What no expression that is drawn at random reads. */
const SEVERAL: readonly string[] = ['list', 'counts', 'vector'];

/** Lists and histograms are read by no expression. */
function outputsOf({ view, features }: PickNode): Field[] {
  const wanted = features ?? view.features.map(({ name }) => ({ name, feature: name }));
  return wanted.flatMap(({ name, feature }): Field[] => {
    const found = view.features.find((one) => one.name === feature)?.feature;
    if (found === undefined || found.kind === 'problem') return [];
    if (found.kind === 'derived') {
      return found.expr.kind === 'problem' ? [] : [{ name, type: found.expr.type }];
    }
    const { type } = found;
    return type === null || SEVERAL.includes(type.kind) ? [] : [{ name, type }];
  });
}

/** The service with some of its picks, and with what can still be computed on demand. */
export function withPicks(service: ServiceNode, picks: ServiceNode['picks']): ServiceNode {
  const outputs = picks.flatMap((pick) => (pick.kind === 'pick' ? outputsOf(pick) : []));
  const readable = new Set([...outputs, ...service.request].map(({ name }) => name));
  const onDemand = service.onDemand.filter(({ feature }) => {
    if (feature.kind === 'problem' || feature.expr.kind === 'problem') return true;
    return referencedColumns(feature.expr).every((name) => readable.has(name));
  });
  return { ...service, picks, onDemand };
}

/** What a caller gives for a field, as the platform holds it. */
export function requestValue(random: Random, { type, optional }: ServicePlan['request'][number]) {
  if (optional && random.below(3) === 0) return null;
  return random.pick(valuesOf(type));
}

function valuesOf(type: ValueType): readonly Scalar[] {
  switch (type.kind) {
    case 'int64':
      return [0, 1, -7, 2 ** 53 - 1, 9007199254740993n, 2n ** 63n - 1n, -(2n ** 63n)];
    case 'decimal':
      return [0, 1, -199, 123_456, 9007199254740993n, -(2n ** 62n)];
    case 'float64':
      return [0, 0.1, -2.5, 1e-7, 1e300, 2 ** 60];
    case 'string':
      return ['', 'a', 'B', '😀', "it's", '\uffff'];
    case 'bool':
      return [true, false];
    case 'vector':
      return ASKED_VECTORS;
    default:
      return [0, 1_700_000_000_000, -1];
  }
}

/** A row as it is sent: a decimal as its text, and now and then no null at all. */
export function sentRow(service: ServicePlan, row: OracleKey): Record<string, Single> {
  const sent: Record<string, Single> = {};
  for (const [name, value] of Object.entries(row)) {
    const field = service.request.find((one) => one.name === name);
    if (field !== undefined && value === null && name === 'q_s') continue;
    if (field?.type.kind === 'vector') {
      sent[name] = value === null ? null : (JSON.parse(String(value)) as VectorValue);
      continue;
    }
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    const isDecimal = field?.type.kind === 'decimal' && isNumber;
    sent[name] = isDecimal ? formatDecimal(value, field.type.scale) : value;
  }
  return sent;
}
