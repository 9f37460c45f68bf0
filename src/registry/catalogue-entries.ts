import { computedOutputs } from '../plan/function-outputs.ts';
import { lineageId } from '../plan/lineage-node.ts';
import { personalFeatures, tagsOf } from '../plan/personal-features.ts';
import type { Meta, ProjectPlan } from '../plan/plan.ts';
import { namespaceOf, typeText } from '../schema/types.ts';

export const CATALOGUE_KINDS = [
  'source',
  'entity',
  'view',
  'feature',
  'service',
  'dataset',
  'model',
  'dashboard',
] as const;

export type CatalogueKind = (typeof CATALOGUE_KINDS)[number];

/** One line of the catalogue. */
export interface CatalogueEntry {
  readonly kind: CatalogueKind;
  /** As the lineage knows it: `feature:fraud.spend@2.total_1h`. */
  readonly id: string;
  /** `fraud.spend@2.total_1h`. */
  readonly name: string;
  /** The last part alone, by which people look for it: `total_1h`, `spend`. */
  readonly shortName: string;
  /** The definition that it is, or is part of. */
  readonly definition: string;
  readonly namespace: string;
  readonly version: number | null;
  /** A feature without an owner of its own has its view's, and its view's tags beside its own. */
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly risk: 'high' | null;
  /** Where its version stands in its lifecycle, or null of what has none. */
  readonly state: string | null;
  readonly type: string | null;
  readonly entity: string | null;
  readonly source: string | null;
}

/** Kinds whose versions have a lifecycle. */
export type StateOf = (
  kind: 'view' | 'service' | 'model',
  name: string,
  version: number,
) => string | null;

/** All that is defined, sorted by name, then by kind; pure. */
export function catalogueEntries(plan: ProjectPlan, stateOf: StateOf): CatalogueEntry[] {
  const entries = [
    ...plan.sources.map((one) => whole('source', one, { source: one.name })),
    ...plan.entities.map((one) => whole('entity', one, { entity: one.name })),
    ...plan.views.flatMap((view) => {
      const { name, version, entity, source } = view;
      const place = { entity, source, state: stateOf('view', name, version) };
      const personal = personalFeatures(plan, view);
      const features = view.features.map((feature) => {
        const meta = { ...feature.meta, tags: tagsOf(feature, personal) };
        const own = { name: feature.name, meta };
        return part('feature', view, own, { ...place, type: typeText(feature.type) });
      });
      return [whole('view', view, place), ...features];
    }),
    ...plan.services.flatMap((service) => {
      const state = stateOf('service', service.name, service.version);
      const onDemand = computedOutputs(service).map((feature) =>
        part('on_demand', service, feature, { state, type: typeText(feature.type) }),
      );
      return [whole('service', service, { state }), ...onDemand];
    }),
    ...plan.datasets.map((one) => whole('dataset', one)),
    ...plan.models.map((one) =>
      whole('model', one, { state: stateOf('model', one.name, one.version) }),
    ),
    ...plan.dashboards.map((one) => whole('dashboard', one)),
  ];
  return entries.sort(byNameThenKind);
}

interface Definition {
  readonly name: string;
  readonly version?: number;
  readonly meta: Meta;
}

type Place = Partial<Pick<CatalogueEntry, 'entity' | 'source' | 'state' | 'type'>>;

function whole(
  kind: Exclude<CatalogueKind, 'feature'>,
  {
    name,
    version = null,
    meta,
  }: Omit<Definition, 'version'> & { readonly version?: number | null },
  place: Place = {},
): CatalogueEntry {
  return {
    kind,
    id: lineageId({ kind, definition: name, version, part: null }),
    name: version === null ? name : `${name}@${version}`,
    shortName: name.slice(name.indexOf('.') + 1),
    definition: name,
    namespace: namespaceOf(name),
    version,
    ...described(meta),
    ...{ state: null, type: null, entity: null, source: null, ...place },
  };
}

function part(
  node: 'feature' | 'on_demand',
  {
    name: definition,
    version,
    meta,
  }: { readonly name: string; readonly version: number; readonly meta: Meta },
  feature: { readonly name: string; readonly meta: Meta },
  place: Place,
): CatalogueEntry {
  const own = described(feature.meta);
  return {
    kind: 'feature',
    id: lineageId({ kind: node, definition, version, part: feature.name }),
    name: `${definition}@${version}.${feature.name}`,
    shortName: feature.name,
    definition,
    namespace: namespaceOf(definition),
    version,
    owner: own.owner ?? meta.owner,
    description: own.description,
    tags: [...new Set([...own.tags, ...meta.tags])].sort(),
    risk: own.risk ?? meta.risk ?? null,
    ...{ state: null, type: null, entity: null, source: null, ...place },
  };
}

function described({ owner, description, tags, risk }: Meta) {
  return { owner, description, tags, risk: risk ?? null };
}

function byNameThenKind(a: CatalogueEntry, b: CatalogueEntry): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return CATALOGUE_KINDS.indexOf(a.kind) - CATALOGUE_KINDS.indexOf(b.kind);
}
