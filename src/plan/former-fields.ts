import type { ProjectPlan } from './plan.ts';
import { UNBOUNDED_STATE } from './state-plan.ts';

/**
 * A stored plan with every field of today: one that an earlier release wrote lacks those that came
 * later, and what each then was is what it is where nothing is said.
 */
export function withLaterFields(plan: ProjectPlan): ProjectPlan {
  return {
    ...plan,
    sources: plan.sources.map((source) => ({
      ...source,
      changes: source.changes ?? null,
      table: source.table ?? null,
      origin: source.origin ?? null,
    })),
    datasets: plan.datasets ?? [],
    models: plan.models ?? [],
    dashboards: plan.dashboards ?? [],
    services: plan.services.map((service) => ({
      ...service,
      request: service.request ?? [],
      onDemand: service.onDemand ?? [],
    })),
    groups: plan.groups.map((group) => ({
      ...group,
      retractable: group.retractable ?? false,
      latenessMs: group.latenessMs ?? 0,
      keep: group.keep ?? 0,
    })),
    views: plan.views.map((view) => ({
      ...view,
      state: view.state ?? UNBOUNDED_STATE,
      expectations: view.expectations ?? {},
      features: view.features.map((feature) =>
        feature.kind === 'derived'
          ? feature
          : {
              ...feature,
              ttlMs: feature.ttlMs ?? null,
              count: feature.count ?? null,
              rankPpm: feature.rankPpm ?? null,
            },
      ),
    })),
  };
}
