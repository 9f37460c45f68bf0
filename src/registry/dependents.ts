import type { ProjectPlan } from '../plan/plan.ts';
import { definitionId, definitionsIn, type PlannedDefinition } from '../plan/references.ts';
import type { LifecycleState, VersionId } from './lifecycle.ts';
import type { Release } from './releases.ts';

/** What reads a version, and so keeps it from being retired. */
export interface Dependent {
  /** Of what reads it: its namespace says who may know of it. */
  readonly name: string;
  /** `model fraud.scorer@7`, `the live release of fraud.checks` */
  readonly title: string;
}

/**
 * Everything of the plan in use that names a version, directly or through a service: services,
 * models, datasets and dashboards that are not retired, and releases.
 */
export function dependentsOf(
  plan: ProjectPlan,
  releases: readonly Release[],
  stateOf: (title: string) => LifecycleState | null,
  { kind, name, version }: VersionId,
): Dependent[] {
  const own = definitionId(kind, name, version);
  const readers = new Map<string, PlannedDefinition[]>();
  for (const definition of definitionsIn(plan)) {
    for (const read of definition.reads) {
      const list = readers.get(read);
      if (list === undefined) readers.set(read, [definition]);
      else list.push(definition);
    }
  }
  const found = new Map<string, Dependent>();
  const visit = (id: string): void => {
    for (const reader of readers.get(id) ?? []) {
      if (found.has(reader.id) || stateOf(reader.id) === 'retired') continue;
      found.set(reader.id, { name: reader.name, title: reader.id });
      visit(reader.id);
    }
  };
  visit(own);
  const services = new Set([own, ...found.keys()]);
  for (const { service, live, canary } of releases) {
    if (services.has(definitionId('service', service, live))) {
      found.set(`release ${service}`, { name: service, title: `the live release of ${service}` });
    }
    if (canary !== null && services.has(definitionId('service', service, canary))) {
      found.set(`canary ${service}`, { name: service, title: `the canary of ${service}` });
    }
  }
  return [...found.values()];
}
