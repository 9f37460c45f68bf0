import { type Issue, issue } from '../base/errors.ts';
import { computedOutputs } from '../plan/function-outputs.ts';
import type { ModelPlan, ProjectPlan, ServicePlan, ViewPlan } from '../plan/plan.ts';
import { riskReasons } from '../plan/risk.ts';
import { namespaceOf } from '../schema/types.ts';
import { isServed, titleOf, type VersionId } from './lifecycle.ts';
import type { VersionState } from './lifecycle-rows.ts';
import { defaultPolicy, type NamespacePolicy, needsApproval } from './namespaces.ts';

/** A version as a plan has it. */
export interface AppliedVersion extends VersionId {
  /** What is marked in it: the empty text for itself, or a feature's name. */
  readonly marks: readonly string[];
  readonly risk: string | null;
}

/** The versions of a plan that have a lifecycle. */
export function versionsOf(plan: ProjectPlan): AppliedVersion[] {
  const reasons = riskReasons(plan);
  const version = (
    kind: VersionId['kind'],
    one: ViewPlan | ServicePlan | ModelPlan,
    parts: readonly { readonly name: string; readonly meta: ViewPlan['meta'] }[],
  ): AppliedVersion => {
    const id = { kind, name: one.name, version: one.version };
    const marks = [{ name: '', meta: one.meta }, ...parts]
      .filter(({ meta }) => meta.risk === 'high')
      .map(({ name }) => name);
    return { ...id, marks, risk: reasons.get(titleOf(id)) ?? null };
  };
  return [
    ...plan.views.map((one) => version('view', one, one.features)),
    ...plan.services.map((one) => version('service', one, computedOutputs(one))),
    ...plan.models.map((one) => version('model', one, [])),
  ];
}

/** What is known of all versions: states by title, policies by namespace. */
export interface LifecycleFacts {
  readonly states: ReadonlyMap<string, VersionState>;
  readonly policies: ReadonlyMap<string, NamespacePolicy>;
}

/**
 * Why a version that is not served must be approved, or null. A version without a mark follows one
 * with a mark only by approval, too, or a mark would be dropped with the next version.
 * @param beside what the same apply brings: none of it is a way around another
 */
export function approvalReason(
  version: AppliedVersion,
  facts: LifecycleFacts,
  beside: readonly AppliedVersion[] = [],
): string | null {
  const namespace = namespaceOf(version.name);
  const policy = facts.policies.get(namespace) ?? defaultPolicy(namespace);
  const before = riskBefore(version, facts, beside);
  if (!needsApproval(policy, version.kind, version.risk !== null || before !== null)) return null;
  if (policy.requires === 'all') return `every ${version.kind} of ${namespace} needs approval`;
  return `it is of high risk: ${version.risk ?? before}`;
}

/** A version that an apply would bring as a draft, and why. */
export interface DraftAhead {
  /** `view fraud.spend@2` */
  readonly title: string;
  readonly reason: string;
}

/** The versions of a plan that are new, and will be served only once they are approved. */
export function draftsAhead(plan: ProjectPlan, facts: LifecycleFacts): DraftAhead[] {
  const begun = versionsOf(plan).filter((version) => !facts.states.has(titleOf(version)));
  return begun.flatMap((version) => {
    const reason = approvalReason(version, facts, begun);
    return reason === null ? [] : [{ title: titleOf(version), reason }];
  });
}

function riskBefore(
  version: AppliedVersion,
  { states }: LifecycleFacts,
  beside: readonly AppliedVersion[],
): string | null {
  const isOther = ({ kind, name, version: number }: VersionId): boolean =>
    kind === version.kind && name === version.name && number !== version.version;
  const others = [...states.values()].filter(isOther);
  const served = others.filter(({ state }) => isServed(state));
  const newest = served.toSorted((a, b) => b.version - a.version)[0];
  // What is beyond the newest that is served counts, too, whatever became of it: a mark would be
  // dropped by raising the version of a draft.
  const beyond = [...others, ...beside.filter(isOther)].filter(
    (one) => newest === undefined || one.version > newest.version,
  );
  const risky = [...(newest === undefined ? [] : [newest]), ...beyond].find(
    ({ risk }) => risk !== null,
  );
  return risky === undefined ? null : `${titleOf(risky)} is`;
}

/**
 * What an apply must not do to the versions of its namespaces: bring back what is retired, or take
 * a mark of high risk off in place, unseen by whoever would have to approve it.
 * `namespaces`: null where the project owns every one.
 */
export function lifecycleRefusals(
  plan: ProjectPlan,
  namespaces: readonly string[] | null,
  { states }: Pick<LifecycleFacts, 'states'>,
): Issue[] {
  return versionsOf(plan)
    .filter(({ name }) => namespaces === null || namespaces.includes(namespaceOf(name)))
    .flatMap((version) => {
      const title = titleOf(version);
      const state = states.get(title);
      if (state === undefined) return [];
      const path = `${version.kind}s.${version.name}@${version.version}`;
      if (state.state === 'retired') {
        return [
          issue(
            'lifecycle_refused',
            path,
            `${title} is retired, and still defined.`,
            `Remove it from the definitions, or set version: ${version.version + 1} for a new one.`,
          ),
        ];
      }
      const taken = state.marks.filter((mark) => !version.marks.includes(mark));
      if (taken.length === 0) return [];
      const what = taken.map((mark) => (mark === '' ? 'it' : `its feature '${mark}'`)).join(', ');
      return [
        issue(
          'lifecycle_refused',
          path,
          `${title}: ${what} was marked as of high risk, and is not any more.`,
          `Put the mark back, or set version: ${version.version + 1} without it, to be approved.`,
        ),
      ];
    });
}
