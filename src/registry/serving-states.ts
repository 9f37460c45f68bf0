import type { ProjectPlan, ServicePlan } from '../plan/plan.ts';
import { isServed, stateText, titleOf, type VersionId } from './lifecycle.ts';
import type { VersionState } from './lifecycle-rows.ts';

/** What the lifecycle says of one version of a service: whether it answers, and what it warns of. */
export interface ServingState {
  readonly service: string;
  readonly version: number;
  /** Of itself, or of a view it reads that is not served. */
  readonly state: VersionState['state'];
  /** Why it answers nobody; null: it does. */
  readonly refusal: ServingRefusal | null;
  /** Said with every answer; null: there is nothing to say. */
  readonly deprecation: Deprecation | null;
}

export interface ServingRefusal {
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

export interface Deprecation {
  /** What is deprecated: the service itself, or a view that it reads. */
  readonly what: string;
  readonly sinceMs: number;
  readonly untilMs: number | null;
  /** `fraud.checks@3`, or null. */
  readonly successor: string | null;
}

/**
 * Of each version of a service whether it may answer. It may while it is served itself, and all
 * views are that it reads: nothing reaches a model through a service that was approved before them.
 * A version of which nothing is known was applied by nobody, and so is not served.
 */
export function servingStates(
  plan: ProjectPlan,
  states: readonly VersionState[],
): readonly ServingState[] {
  const byTitle = new Map(states.map((one) => [titleOf(one), one]));
  return plan.services.map((service) => servingState(service, byTitle));
}

/** The model versions that may not read, by `name@version`: those that are not served. */
export function closedModels(
  plan: ProjectPlan,
  states: readonly VersionState[],
): ReadonlyMap<string, ServingRefusal> {
  const byTitle = new Map(states.map((one) => [titleOf(one), one.state]));
  const closed = new Map<string, ServingRefusal>();
  for (const { name, version } of plan.models) {
    const id: VersionId = { kind: 'model', name, version };
    const state = byTitle.get(titleOf(id)) ?? 'draft';
    if (!isServed(state)) closed.set(`${name}@${version}`, refusalOf(id, id, state));
  }
  return closed;
}

/** Why a version of a view is read by nobody; null: it is. */
export function viewRefusal(
  { name, version }: Pick<VersionId, 'name' | 'version'>,
  states: readonly VersionState[],
): ServingRefusal | null {
  const id: VersionId = { kind: 'view', name, version };
  const title = titleOf(id);
  const state = states.find((one) => titleOf(one) === title)?.state ?? 'draft';
  return isServed(state) ? null : refusalOf(id, id, state);
}

function servingState(
  service: ServicePlan,
  byTitle: ReadonlyMap<string, VersionState>,
): ServingState {
  const { name, version } = service;
  const own: VersionId = { kind: 'service', name, version };
  const views = new Map(
    service.features.map((one): [string, VersionId] => [
      `${one.view}@${one.version}`,
      { kind: 'view', name: one.view, version: one.version },
    ]),
  );
  const parts = [own, ...views.values()].map((id) => ({
    id,
    known: byTitle.get(titleOf(id)) ?? null,
  }));
  const common = { service: name, version };
  const closed = parts.find(({ known }) => known === null || !isServed(known.state));
  if (closed !== undefined) {
    const { id, known } = closed;
    const state = known?.state ?? 'draft';
    return { ...common, state, refusal: refusalOf(own, id, state), deprecation: null };
  }
  const deprecated = parts.find(({ known }) => known?.state === 'deprecated')?.known ?? null;
  const state = parts[0]?.known?.state ?? 'active';
  return {
    ...common,
    state,
    refusal: null,
    deprecation: deprecated === null ? null : deprecationOf(deprecated),
  };
}

function refusalOf(
  service: VersionId,
  part: VersionId,
  state: VersionState['state'],
): ServingRefusal {
  const why =
    part === service
      ? `The ${titleOf(service)} is ${stateText(state)}.`
      : `The ${titleOf(service)} reads the ${titleOf(part)}, which is ${stateText(state)}.`;
  const remedies = {
    draft: `Submit it: \`asof lifecycle submit ${part.kind} ${part.name}@${part.version}\`.`,
    in_review: `It is served once it is approved; see \`asof approvals\`.`,
    retired: 'Ask for a version that is not retired.',
    active: '',
    deprecated: '',
  };
  return { message: why, remedy: remedies[state] };
}

function deprecationOf(state: VersionState): Deprecation {
  return {
    what: titleOf(state),
    sinceMs: state.sinceMs,
    untilMs: state.deprecatedUntilMs,
    successor: state.successor === null ? null : `${state.name}@${state.successor}`,
  };
}
