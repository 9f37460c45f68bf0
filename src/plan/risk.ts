import { referencedColumns } from '../expr/references.ts';
import { type ComputedOutput, computedOutputs } from './function-outputs.ts';
import type { ModelPlan, ProjectPlan, ServicePlan, ViewPlan } from './plan.ts';

/**
 * Why versions are of high risk, by `view fraud.spend@2`: because they are marked so, or because
 * they read what is. What has no entry is of no special risk.
 */
export function riskReasons(plan: ProjectPlan): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  const add = (kind: string, one: ViewPlan | ServicePlan | ModelPlan, why: string | null): void => {
    if (why !== null) reasons.set(`${kind} ${one.name}@${one.version}`, why);
  };
  const features = new Map<string, string>();
  for (const view of plan.views) {
    const marked = riskyFeatures(view);
    for (const [name, why] of marked) features.set(featureId(view, name), why);
    const [first] = marked.values();
    add('view', view, isMarked(view) ? 'it is marked so' : (first ?? null));
  }
  const outputs = new Map<string, ReadonlyMap<string, string>>();
  for (const service of plan.services) {
    const risky = riskyOutputs(service, features);
    outputs.set(`${service.name}@${service.version}`, risky);
    const [first] = risky.values();
    add('service', service, isMarked(service) ? 'it is marked so' : (first ?? null));
  }
  for (const model of plan.models) {
    const risky = outputs.get(`${model.service}@${model.serviceVersion}`);
    const read = model.reads.map(({ name }) => risky?.get(name)).find((why) => why !== undefined);
    add('model', model, isMarked(model) ? 'it is marked so' : (read ?? null));
  }
  return reasons;
}

const isMarked = ({ meta }: Pick<ViewPlan, 'meta'>): boolean => meta.risk === 'high';

const featureId = ({ name, version }: Pick<ViewPlan, 'name' | 'version'>, feature: string) =>
  `${name}@${version}.${feature}`;

/** Features that are marked, stand in a view that is, or are derived from such ones. */
function riskyFeatures(view: ViewPlan): Map<string, string> {
  const risky = new Map<string, string>();
  for (const feature of view.features) {
    const of = `the feature ${view.name}@${view.version}.${feature.name}`;
    if (isMarked(view))
      risky.set(feature.name, `the view ${view.name}@${view.version} is marked so`);
    else if (isMarked(feature)) risky.set(feature.name, `${of} is marked so`);
    else if (feature.kind === 'derived') {
      const from = referencedColumns(feature.expr).find((name) => risky.has(name));
      if (from !== undefined) risky.set(feature.name, risky.get(from) ?? of);
    }
  }
  return risky;
}

/** Outputs that read such features, are computed from such outputs, or are marked themselves. */
function riskyOutputs(
  service: ServicePlan,
  features: ReadonlyMap<string, string>,
): Map<string, string> {
  const risky = new Map<string, string>();
  const title = `the service ${service.name}@${service.version}`;
  for (const { name, view, version, feature } of service.features) {
    const read = features.get(featureId({ name: view, version }, feature));
    const why = isMarked(service) ? `${title} is marked so` : read;
    if (why !== undefined) risky.set(name, why);
  }
  for (const one of computedOutputs(service)) {
    const why = riskOfOnDemand(one, service, risky);
    if (why !== null) risky.set(one.name, why);
  }
  return risky;
}

function riskOfOnDemand(
  one: ComputedOutput,
  service: ServicePlan,
  risky: ReadonlyMap<string, string>,
): string | null {
  const title = `the service ${service.name}@${service.version}`;
  if (isMarked(service)) return `${title} is marked so`;
  if (isMarked(one)) return `the feature ${one.name} of ${title} is marked so`;
  const from = one.reads.find((name) => risky.has(name));
  return from === undefined ? null : (risky.get(from) ?? null);
}
