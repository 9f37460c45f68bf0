import { type Issue, issue } from '../base/errors.ts';
import { deepFreeze } from '../define/node.ts';
import { DEFAULT_NAMESPACE, namespaceOf } from '../schema/types.ts';
import { byName, byNameAndVersion } from './canonical.ts';
import { diffPlans } from './diff.ts';
import { byGroupIdentity } from './group-plan.ts';
import { NOTHING } from './no-plan.ts';
import type { ProjectPlan } from './plan.ts';
import { definitionId, definitionsIn, type PlannedDefinition } from './references.ts';
import { unsoundDefinitions } from './unsound.ts';

/** What is applied in the end, and why it cannot be where there are issues. */
export interface ScopedPlan {
  readonly plan: ProjectPlan;
  readonly issues: readonly Issue[];
}

/**
 * The plan that applying a project's namespaces makes of the current one: what is compiled in them
 * replaces what is there, and all else stays as it is, tile groups included. What is compiled
 * outside of them must be what is applied, and nothing that stays may have read what goes.
 * `namespaces`: null where the project owns every one. What `mayRead` refuses is answered as what is
 * not there, so that nobody learns of it by guessing, nor reads it through a view of his own.
 */
export function mergeScoped(
  current: ProjectPlan | null,
  compiled: ProjectPlan,
  namespaces: readonly string[] | null,
  mayRead: (name: string) => boolean = () => true,
): ScopedPlan {
  if (namespaces === null) return { plan: compiled, issues: [] };
  const scope = new Set(namespaces);
  const plan = merged(current ?? NOTHING, compiled, (name) => scope.has(namespaceOf(name)));
  const foreign = foreignIssues(current, compiled, scope, mayRead);
  // Where an import is not what is applied, what reads it means something else for that reason.
  const issues = foreign.length > 0 ? foreign : staleReaders(current ?? NOTHING, plan, scope);
  return { plan, issues };
}

type InScope = (name: string) => boolean;

function merged(current: ProjectPlan, compiled: ProjectPlan, inScope: InScope): ProjectPlan {
  const both = <T extends { readonly name: string }>(
    kept: readonly T[],
    taken: readonly T[],
    order: (a: T, b: T) => number,
  ): T[] =>
    [...kept.filter(({ name }) => !inScope(name)), ...taken.filter(({ name }) => inScope(name))]
      // One order, so that two merges of the same definitions are the same plan.
      .sort(order);
  const ofScope = ({ namespace = DEFAULT_NAMESPACE }: ProjectPlan['groups'][number]): boolean =>
    inScope(`${namespace}.`);
  return deepFreeze({
    format: 1,
    sources: both(current.sources, compiled.sources, byName),
    entities: both(current.entities, compiled.entities, byName),
    groups: [
      ...current.groups.filter((group) => !ofScope(group)),
      ...compiled.groups.filter(ofScope),
    ].sort(byGroupIdentity),
    views: both(current.views, compiled.views, byNameAndVersion),
    services: both(current.services, compiled.services, byNameAndVersion),
    datasets: both(current.datasets, compiled.datasets, byNameAndVersion),
    models: both(current.models, compiled.models, byNameAndVersion),
    dashboards: both(current.dashboards, compiled.dashboards, byName),
  });
}

/** What a project takes from other namespaces, and is not what is applied there. */
function foreignIssues(
  current: ProjectPlan | null,
  compiled: ProjectPlan,
  scope: ReadonlySet<string>,
  mayRead: (name: string) => boolean,
): Issue[] {
  const readable = definitionsIn(current ?? NOTHING).filter(({ name }) => mayRead(name));
  const applied = new Map(readable.map((one) => [one.id, one.hash]));
  const foreign = definitionsIn(compiled).filter(
    ({ id, name, hash }) => !scope.has(namespaceOf(name)) && applied.get(id) !== hash,
  );
  if (foreign.length === 0) return [];
  const { changes } = diffPlans(current, compiled);
  const differences = new Map(
    changes.map((one) => [definitionId(one.kind, one.name, one.version), one.sentences]),
  );
  const own = [...scope].sort().join(', ');
  return foreign.map(({ id, kind, name }) => {
    const path = `${PLURALS[kind]}.${name}`;
    const namespace = namespaceOf(name);
    const whose = `of the namespace '${namespace}', which this project (${own}) only reads`;
    if (!applied.has(id)) {
      const message = `${id} is ${whose}, and it is not applied there.`;
      const remedy = `Whoever owns '${namespace}' applies it first; or add '${namespace}' to "namespaces".`;
      return issue('foreign_definition', path, message, remedy);
    }
    const differs = differences.get(id) ?? [];
    const told = differs.length === 0 ? '' : ` Since then: ${differs.join('; ')}.`;
    const message = `${id} is ${whose}, and it is not what is applied there.${told}`;
    const remedy = `Import the definition of '${namespace}' as it is applied, or have its owner apply this one first.`;
    return issue('foreign_definition', path, message, remedy);
  });
}

/**
 * What this project removes or changes although definitions that stay read it, in other
 * namespaces: told by their number alone, as whoever plans may not be one to know their names.
 */
function staleReaders(
  current: ProjectPlan,
  plan: ProjectPlan,
  scope: ReadonlySet<string>,
): Issue[] {
  const now = new Map(definitionsIn(plan).map((one) => [one.id, one]));
  const before = definitionsIn(current);
  const kept = before.filter(({ name }) => !scope.has(namespaceOf(name)));
  const unsound = unsoundDefinitions(plan);
  const readers = new Map<string, number>();
  for (const reader of kept) {
    if (!unsound.has(reader.id)) continue;
    for (const id of reader.reads) readers.set(id, (readers.get(id) ?? 0) + 1);
  }
  const stale = before.filter(({ id, hash }) => readers.has(id) && now.get(id)?.hash !== hash);
  if (stale.length === 0) return [];
  const { changes } = diffPlans(current, plan);
  return stale.map(({ id, kind, name, version }) => {
    const path = `${PLURALS[kind]}.${name}`;
    const count = readers.get(id) ?? 0;
    const who =
      count === 1
        ? 'one definition of another namespace reads it'
        : `${count} definitions of other namespaces read it`;
    if (!now.has(id)) {
      const remedy =
        'Keep it until nobody reads it: deprecate it, and have its readers move first.';
      return issue('still_read', path, `${id} goes, and ${who}.`, remedy);
    }
    const change = changes.find(
      (one) => one.kind === kind && one.name === name && one.version === version,
    );
    const differs = change?.sentences.join('; ') ?? 'its meaning';
    const remedy =
      version === null
        ? `Take the change back, or define a new ${kind} beside this one.`
        : `Set version: ${version + 1}, and keep the old one while others read it.`;
    const message = `${id} changes (${differs}), and ${who}: that would mean something else.`;
    return issue('still_read', path, message, remedy);
  });
}

const PLURALS: Readonly<Record<PlannedDefinition['kind'], string>> = {
  source: 'sources',
  entity: 'entities',
  view: 'views',
  service: 'services',
  dataset: 'datasets',
  model: 'models',
  dashboard: 'dashboards',
};
