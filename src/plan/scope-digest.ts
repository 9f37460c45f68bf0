import { namespaceOf } from '../schema/types.ts';
import { hashOf } from './canonical.ts';
import type { ProjectPlan } from './plan.ts';

/** Of all that the namespaces define, to the last tag; null: of every namespace. */
export function scopeDigest(
  plan: ProjectPlan | null,
  namespaces: readonly string[] | null,
): string {
  if (plan === null) return hashOf(null);
  const isOwn = inScope(namespaces);
  const { sources, entities, views, services, datasets, models, dashboards } = plan;
  const lists = { sources, entities, views, services, datasets, models, dashboards };
  return hashOf(
    Object.fromEntries(
      Object.entries(lists).map(([kind, list]) => [kind, list.filter(({ name }) => isOwn(name))]),
    ),
  );
}

/** Whether a definition is of the namespaces that a project owns; null: it owns all. */
export function inScope(namespaces: readonly string[] | null): (name: string) => boolean {
  if (namespaces === null) return () => true;
  const scope = new Set(namespaces);
  return (name) => scope.has(namespaceOf(name));
}
