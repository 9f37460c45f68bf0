import type { DefinitionKind } from './definition-kind.ts';
import type { ProjectPlan, SourcePlan, SpinePlan, ViewPlan } from './plan.ts';

/** One definition of a plan, with what it reads directly. */
export interface PlannedDefinition {
  /** Names it within a plan: `view fraud.spend@2`, `source payments`. */
  readonly id: string;
  readonly kind: DefinitionKind;
  readonly name: string;
  /** null of sources, entities and dashboards. */
  readonly version: number | null;
  readonly hash: string;
  /** Ids, each once. */
  readonly reads: readonly string[];
}

export function definitionId(kind: DefinitionKind, name: string, version: number | null): string {
  return version === null ? `${kind} ${name}` : `${kind} ${name}@${version}`;
}

/** Every definition of a plan, in the order of its kinds. */
export function definitionsIn(plan: ProjectPlan): PlannedDefinition[] {
  const list: PlannedDefinition[] = [];
  const add = (
    kind: DefinitionKind,
    definition: { readonly name: string; readonly version?: number; readonly hash: string },
    reads: readonly string[],
  ): void => {
    const { name, hash } = definition;
    const version = definition.version ?? null;
    const id = definitionId(kind, name, version);
    list.push({ id, kind, name, version, hash, reads: [...new Set(reads)] });
  };
  for (const one of plan.sources) add('source', one, upstreamsOf(one).map(sourceId));
  for (const one of plan.entities) add('entity', one, []);
  for (const one of plan.views) add('view', one, readByView(one));
  for (const one of plan.services) {
    add(
      'service',
      one,
      one.features.map(({ view, version }) => viewId(view, version)),
    );
  }
  for (const one of plan.datasets) {
    const labels = one.labels.flatMap(({ view }) => readByView(view));
    add('dataset', one, [serviceId(one), ...spineSources(one.spine).map(sourceId), ...labels]);
  }
  for (const one of plan.models) {
    const { trainedOn } = one;
    const learnt =
      trainedOn === undefined
        ? []
        : [definitionId('dataset', trainedOn.dataset, trainedOn.version)];
    add('model', one, [serviceId(one), ...learnt]);
  }
  for (const one of plan.dashboards) {
    add(
      'dashboard',
      one,
      one.reads.map(({ view, version }) => viewId(view, version)),
    );
  }
  return list;
}

const sourceId = (name: string): string => definitionId('source', name, null);
const viewId = (name: string, version: number): string => definitionId('view', name, version);

function serviceId(one: { readonly service: string; readonly serviceVersion: number }): string {
  return definitionId('service', one.service, one.serviceVersion);
}

function readByView({ source, entity }: ViewPlan): string[] {
  return [sourceId(source), definitionId('entity', entity, null)];
}

function upstreamsOf({ origin }: SourcePlan): string[] {
  return origin?.from.kind === 'query' ? Object.values(origin.from.upstreams) : [];
}

function spineSources(spine: SpinePlan): string[] {
  if (spine.kind === 'events') return [spine.source];
  return spine.kind === 'query' ? Object.values(spine.upstreams) : [];
}
