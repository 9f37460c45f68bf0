import { AsofError } from '../base/errors.ts';
import { nearest } from '../base/suggest.ts';
import { referencedColumns } from '../expr/references.ts';
import type { EntityPlan, FeaturePlan, ProjectPlan, ServicePlan, ViewPlan } from '../plan/plan.ts';
import { addFeature, entityOf, finishDrafts, type GroupDraft } from './group-drafts.ts';
import type { WorkFeature, WorkGroup } from './work-group.ts';

export interface WorkView {
  readonly view: ViewPlan;
  readonly entity: EntityPlan;
  /** The features the service needs, with those they derive from, in view order. */
  readonly features: readonly FeaturePlan[];
  readonly aggregates: ReadonlyMap<string, WorkFeature>;
}

export interface FeatureWork {
  readonly service: ServicePlan;
  readonly groups: readonly WorkGroup[];
  readonly views: readonly WorkView[];
}

/** @throws AsofError `unknown_service` */
export function findService(plan: ProjectPlan, name: string, version?: number): ServicePlan {
  const versions = plan.services.filter((service) => service.name === name);
  const service =
    version === undefined
      ? versions.toSorted((a, b) => b.version - a.version)[0]
      : versions.find((candidate) => candidate.version === version);
  if (service !== undefined) return service;
  const asked = version === undefined ? name : `${name}@${version}`;
  const known = plan.services.map((each) => `${each.name}@${each.version}`).join(', ');
  const near = nearest(
    name,
    plan.services.map((each) => each.name),
  );
  const hint = near === null || near === name ? '' : ` Did you mean '${near}'?`;
  throw new AsofError('unknown_service', `No service is named '${asked}'.${hint}`, {
    remedy: known === '' ? 'Define a service first.' : `Known services: ${known}.`,
  });
}

/** What must be computed for one service, each shared part once. */
export function planFeatureWork(plan: ProjectPlan, service: ServicePlan): FeatureWork {
  const drafts = new Map<string, GroupDraft>();
  const views = plan.views
    .filter((view) => service.features.some((one) => reads(one, view)))
    .map((view): WorkView => {
      const features = neededFeatures(service, view);
      const aggregates = new Map<string, WorkFeature>();
      for (const feature of features) {
        if (feature.kind !== 'aggregate') continue;
        aggregates.set(feature.name, addFeature(plan, drafts, feature));
      }
      return { view, entity: entityOf(plan, view.entity), features, aggregates };
    });
  return { service, groups: finishDrafts(drafts), views };
}

/** The ranks that features ask of one accumulator, in parts per million, each once. */
export function ranksOf(work: FeatureWork, group: number, accumulator: number): number[] {
  const ranks = work.views
    .flatMap((view) => [...view.aggregates.values()])
    .filter((one) => one.group === group && one.parts.value === accumulator)
    .flatMap(({ feature }) => feature.rankPpm ?? []);
  return [...new Set(ranks)];
}

function reads(output: { view: string; version: number }, view: ViewPlan): boolean {
  return output.view === view.name && output.version === view.version;
}

function neededFeatures(service: ServicePlan, view: ViewPlan): FeaturePlan[] {
  const needed = new Set(
    service.features.filter((output) => reads(output, view)).map((output) => output.feature),
  );
  for (const feature of view.features.toReversed()) {
    if (feature.kind !== 'derived' || !needed.has(feature.name)) continue;
    for (const name of referencedColumns(feature.expr)) needed.add(name);
  }
  return view.features.filter((feature) => needed.has(feature.name));
}
