import { createHash } from 'node:crypto';
import { byName, byNameAndVersion, canonicalJson } from '../plan/canonical.ts';
import { byGroupIdentity } from '../plan/group-plan.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import { DEFAULT_NAMESPACE, namespaceOf } from '../schema/types.ts';
import { damaged } from './database-errors.ts';

/** The lists of a plan by the kind of what they hold, as it is stored. */
const LISTS = {
  source: 'sources',
  entity: 'entities',
  group: 'groups',
  view: 'views',
  service: 'services',
  dataset: 'datasets',
  model: 'models',
  dashboard: 'dashboards',
} as const satisfies Record<string, keyof ProjectPlan>;

export type MemberKind = keyof typeof LISTS;

/** One part of a plan, as it is stored under its digest. */
export interface PlanMember {
  readonly kind: MemberKind;
  readonly name: string;
  readonly version: number;
  readonly namespace: string;
  readonly digest: string;
  /** Canonical JSON. */
  readonly body: string;
}

/** Every part of a plan; a definition of a former release may lack lists that came later. */
export function membersOf(plan: Partial<ProjectPlan>): PlanMember[] {
  return memberKinds().flatMap((kind) =>
    (plan[LISTS[kind]] ?? []).map((one): PlanMember => {
      const body = canonicalJson(one);
      return { kind, ...identityOf(one), digest: digestOf(body), body };
    }),
  );
}

function identityOf(
  one: TileGroupPlan | { readonly name: string; readonly version?: number },
): Pick<PlanMember, 'name' | 'version' | 'namespace'> {
  if (!('name' in one)) {
    return { name: one.id, version: 0, namespace: one.namespace ?? DEFAULT_NAMESPACE };
  }
  return { name: one.name, version: one.version ?? 0, namespace: namespaceOf(one.name) };
}

export function memberKinds(): MemberKind[] {
  return Object.keys(LISTS).filter((kind) => isMemberKind(kind));
}

export function isMemberKind(kind: string): kind is MemberKind {
  return Object.hasOwn(LISTS, kind);
}

export function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

/**
 * A plan of its parts, as `canonicalJson` of it was; nothing is checked but the kinds.
 * @throws AsofError `registry_damaged`
 */
export function assemblePlan(
  parts: readonly { readonly kind: string; readonly content: unknown }[],
): unknown {
  const lists = new Map<MemberKind, unknown[]>(memberKinds().map((kind) => [kind, []]));
  for (const { kind, content } of parts) {
    const list = isMemberKind(kind) ? lists.get(kind) : undefined;
    if (list === undefined) throw damaged('', `it has a '${kind}'`);
    list.push(content);
  }
  // What is compared is checked with the whole plan.
  const plan = Object.fromEntries([...lists].map(([kind, list]) => [LISTS[kind], list]));
  return inOrder({ format: 1, ...plan } as unknown as ProjectPlan);
}

/** Lists are in the order in which plans are compiled. */
function inOrder(plan: ProjectPlan): ProjectPlan {
  return {
    format: plan.format,
    sources: plan.sources.toSorted(byName),
    entities: plan.entities.toSorted(byName),
    groups: plan.groups.toSorted(byGroupIdentity),
    views: plan.views.toSorted(byNameAndVersion),
    services: plan.services.toSorted(byNameAndVersion),
    datasets: plan.datasets.toSorted(byNameAndVersion),
    models: plan.models.toSorted(byNameAndVersion),
    dashboards: plan.dashboards.toSorted(byName),
  };
}
