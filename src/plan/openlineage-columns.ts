import { namespaceOf } from '../schema/types.ts';
import type { Lineage } from './lineage.ts';
import type { LineageRole } from './lineage-graph.ts';
import { type LineageNode, lineageId } from './lineage-node.ts';
import type { ReachedEdge } from './lineage-walk.ts';

/** A definition as a dataset of OpenLineage: `asof://fraud`, `view/fraud.spend@2`. */
export function datasetName(
  kind: 'source' | 'view' | 'service' | 'dataset' | 'model' | 'dashboard',
  name: string,
  version: number | null,
): { readonly namespace: string; readonly name: string } {
  const titled = version === null ? name : `${name}@${version}`;
  return { namespace: `asof://${namespaceOf(name)}`, name: `${kind}/${titled}` };
}

/** Where a part of a definition stands as a field; null of what is in no dataset. */
function fieldOf({ kind, definition, version, part }: LineageNode) {
  if (part === null) return null;
  switch (kind) {
    case 'column':
      return { ...datasetName('source', definition, null), field: part };
    case 'feature':
      return { ...datasetName('view', definition, version), field: part };
    case 'output':
    case 'on_demand':
      return { ...datasetName('service', definition, version), field: part };
    default:
      return null;
  }
}

const SUBTYPES: Readonly<Record<LineageRole, string>> = {
  value: 'TRANSFORMATION',
  filter: 'FILTER',
  key: 'GROUP_BY',
  time: 'WINDOW',
  arrival: 'FILTER',
  id: 'FILTER',
  unit: 'FILTER',
  rows: 'FILTER',
};

interface Transformation {
  readonly type: 'DIRECT' | 'INDIRECT';
  readonly subtype: string;
  readonly description: string;
  readonly masking: false;
}

export interface InputField {
  readonly namespace: string;
  readonly name: string;
  readonly field: string;
  readonly transformations: readonly Transformation[];
}

/**
 * The fields of other datasets that a part comes from, each with how: back to the nearest ones,
 * through measures and what stands for rows.
 */
export function inputFieldsOf(lineage: Lineage, part: LineageNode): InputField[] {
  const edges = new Map<string, ReachedEdge[]>();
  for (const edge of lineage.upstreamOf([part.id]).edges) {
    edges.set(edge.to, [...(edges.get(edge.to) ?? []), edge]);
  }
  const found = new Map<string, Map<string, Transformation>>();
  const seen = new Set<string>();
  const follow = (to: string, flowing: boolean, through: boolean): void => {
    if (seen.has(`${to} ${flowing}`)) return;
    seen.add(`${to} ${flowing}`);
    for (const { from, role } of edges.get(to) ?? []) {
      const origin = lineage.node(from);
      if (origin === null) continue;
      const direct = flowing && role === 'value';
      const isMeasure = through || origin.kind === 'measure';
      const field = fieldOf(origin);
      if (field === null || isOwn(origin, part)) {
        follow(from, direct, isMeasure);
        continue;
      }
      const handsOn = to === part.id && part.kind !== 'on_demand' && part.kind !== 'feature';
      const transformation = transformationOf(role, direct, isMeasure, handsOn);
      const own = found.get(from) ?? new Map<string, Transformation>();
      found.set(from, own.set(`${transformation.type} ${transformation.subtype}`, transformation));
    }
  };
  follow(part.id, true, false);
  return [...found].sort(byId).flatMap(([id, transformations]) => {
    const node = lineage.node(id);
    const field = node === null ? null : fieldOf(node);
    return field === null ? [] : [{ ...field, transformations: [...transformations.values()] }];
  });
}

/** What is computed within one definition is followed to what it reads of others. */
function isOwn(origin: LineageNode, part: LineageNode): boolean {
  return origin.whole !== null && origin.whole === part.whole;
}

function transformationOf(
  role: LineageRole,
  direct: boolean,
  isAggregate: boolean,
  handsOn: boolean,
): Transformation {
  if (!direct) {
    const subtype = role === 'value' ? 'FILTER' : SUBTYPES[role];
    return { type: 'INDIRECT', subtype, description: role, masking: false };
  }
  const kept = handsOn ? 'IDENTITY' : 'TRANSFORMATION';
  const subtype = isAggregate ? 'AGGREGATION' : kept;
  return { type: 'DIRECT', subtype, description: '', masking: false };
}

function byId([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** The nodes of a definition's parts that have a field, in their order. */
export function fieldsOf(
  lineage: Lineage,
  kind: 'source' | 'view' | 'service' | 'dataset',
  definition: string,
  version: number | null,
): LineageNode[] {
  const whole = lineageId({ kind, definition, version, part: null });
  return lineage
    .downstreamOf([whole], { depth: 0 })
    .starts.filter(({ part, kind: of }) => part !== null && of !== 'request');
}
