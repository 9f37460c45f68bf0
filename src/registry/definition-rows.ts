import type { DefinitionKind } from '../plan/diff.ts';
import type { ProjectPlan } from '../plan/plan.ts';

/** One definition as the registry keeps it. Sources and entities have no version: it is 0. */
export interface DefinitionRow {
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly version: number;
  readonly hash: string;
}

export function definitionsOf(plan: ProjectPlan): DefinitionRow[] {
  const unversioned = (
    kind: DefinitionKind,
    one: { name: string; hash: string },
  ): DefinitionRow => ({
    kind,
    name: one.name,
    version: 0,
    hash: one.hash,
  });
  const versioned = (
    kind: DefinitionKind,
    one: { name: string; version: number; hash: string },
  ): DefinitionRow => ({ kind, name: one.name, version: one.version, hash: one.hash });
  return [
    ...plan.sources.map((one) => unversioned('source', one)),
    ...plan.entities.map((one) => unversioned('entity', one)),
    ...plan.views.map((one) => versioned('view', one)),
    ...plan.services.map((one) => versioned('service', one)),
    ...plan.datasets.map((one) => versioned('dataset', one)),
    ...plan.models.map((one) => versioned('model', one)),
    ...plan.dashboards.map((one) => unversioned('dashboard', one)),
  ];
}
