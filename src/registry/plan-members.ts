import { createHash } from 'node:crypto';
import { byName, byNameAndVersion, canonicalJson } from '../plan/canonical.ts';
import { withLaterFields } from '../plan/former-fields.ts';
import { byGroupIdentity } from '../plan/group-plan.ts';
import type { ProjectPlan, TileGroupPlan, ViewPlan } from '../plan/plan.ts';
import { DEFAULT_NAMESPACE, namespaceOf } from '../schema/types.ts';

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

/** Every part of a plan, or those that are wanted. */
export function membersOf(
  plan: ProjectPlan,
  wanted: (kind: MemberKind, name: string, version: number) => boolean = () => true,
): PlanMember[] {
  return memberKinds().flatMap((kind) =>
    plan[LISTS[kind]].flatMap((one): PlanMember[] => {
      const identity = identityOf(one);
      if (!wanted(kind, identity.name, identity.version)) return [];
      const body = canonicalJson(one);
      return [{ kind, ...identity, digest: digestOf(body), body }];
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

/** A part of a plan that was read, by what it is. */
export interface ReadPart {
  readonly kind: MemberKind;
  readonly digest: string;
  readonly content: unknown;
}

/** Parts with every field of today, in the order in which plans are compiled. */
export function partsOfToday(parts: readonly ReadPart[]): ReadPart[] {
  // Whoever runs a plan of them checks all of it.
  const plan = withLaterFields(assemblePlan(parts));
  return memberKinds().flatMap((kind) => {
    const digests = parts.filter((part) => part.kind === kind).map(({ digest }) => digest);
    return plan[LISTS[kind]]
      .map((content, at): ReadPart => ({ kind, digest: digests[at] ?? '', content }))
      .sort((a, b) => compareParts(kind, a.content, b.content));
  });
}

/** A plan of its parts, each list in their order; nothing is checked. */
export function assemblePlan(parts: readonly Pick<ReadPart, 'kind' | 'content'>[]): ProjectPlan {
  const lists = new Map<MemberKind, unknown[]>(memberKinds().map((kind) => [kind, []]));
  for (const { kind, content } of parts) lists.get(kind)?.push(content);
  const plan = Object.fromEntries([...lists].map(([kind, list]) => [LISTS[kind], list]));
  return { format: 1, ...plan } as unknown as ProjectPlan;
}

function compareParts(kind: MemberKind, a: unknown, b: unknown): number {
  if (kind === 'group') return byGroupIdentity(a as TileGroupPlan, b as TileGroupPlan);
  const [one, other] = [a as ViewPlan, b as ViewPlan];
  return 'version' in one ? byNameAndVersion(one, other) : byName(one, other);
}
