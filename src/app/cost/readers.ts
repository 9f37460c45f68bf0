import type { ProjectPlan } from '../../plan/plan.ts';
import { featureTitle } from '../../plan/used-parts.ts';

export interface Readers {
  /** By who is counted, `service:name@1` or `model:name@1`: what an answer to it holds. */
  readonly features: ReadonlyMap<string, readonly string[]>;
  /** By feature: who names it, `service cards@1`. */
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/** Who reads what by the definitions; on-demand features read outputs of their own service. */
export function readersOf(plan: ProjectPlan): Readers {
  const features = new Map<string, readonly string[]>();
  const names = new Map<string, string[]>();
  const note = (title: string, name: string): void => {
    names.set(title, [...(names.get(title) ?? []), name]);
  };
  for (const { name, version, features: outputs } of plan.services) {
    const titles = outputs.map((one) =>
      featureTitle({ name: one.view, version: one.version }, one.feature),
    );
    features.set(`service:${name}@${version}`, [...new Set(titles)]);
    for (const title of new Set(titles)) note(title, `service ${name}@${version}`);
  }
  for (const model of plan.models) {
    const { name, version, service, serviceVersion, reads } = model;
    const own = reads.flatMap(({ feature }) =>
      feature === null
        ? []
        : [featureTitle({ name: feature.view, version: feature.version }, feature.name)],
    );
    // What is computed on demand may read any output of the service.
    const isOnDemand = reads.some(({ feature }) => feature === null);
    const all = isOnDemand ? (features.get(`service:${service}@${serviceVersion}`) ?? []) : [];
    const titles = [...new Set([...own, ...all])];
    features.set(`model:${name}@${version}`, titles);
    for (const title of titles) note(title, `model ${name}@${version}`);
  }
  for (const { name, version, service, serviceVersion } of plan.datasets) {
    for (const title of features.get(`service:${service}@${serviceVersion}`) ?? []) {
      note(title, `dataset ${name}@${version}`);
    }
  }
  for (const { name, reads } of plan.dashboards) {
    for (const { view, version, feature } of reads) {
      note(featureTitle({ name: view, version }, feature), `dashboard ${name}`);
    }
  }
  return { features, names };
}
