import { AsofError, issue } from '../base/errors.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import { dependentsOf } from '../registry/dependents.ts';
import {
  isServed,
  type LifecycleEvent,
  type LifecycleState,
  titleOf,
  type VersionId,
} from '../registry/lifecycle.ts';
import { approvalReason } from '../registry/lifecycle-applied.ts';
import { type LifecycleChange, unknownVersion } from '../registry/lifecycle-book.ts';
import type { Approval, LifecycleStep, VersionState } from '../registry/lifecycle-rows.ts';
import { type ChangedBy, defaultPolicy, type NamespacePolicy } from '../registry/namespaces.ts';
import type { Registry } from '../registry/registry.ts';
import { namespaceOf } from '../schema/types.ts';

/** What is asked of one version. */
export type LifecycleRequest =
  | (LifecycleChange & VersionId)
  | ({
      readonly event: 'approve';
      readonly reason: string | null;
      /** The content that was looked at, or how it begins; null for whatever it is now. */
      readonly digest: string | null;
    } & VersionId);

/** The action of the policy that an event is. */
const ACTIONS = {
  submit: 'lifecycle.submit',
  withdraw: 'lifecycle.submit',
  approve: 'lifecycle.approve',
  reject: 'lifecycle.reject',
  deprecate: 'lifecycle.deprecate',
  reinstate: 'lifecycle.deprecate',
  retire: 'lifecycle.retire',
} as const satisfies Partial<Record<LifecycleEvent, string>>;

/**
 * Moves one version on, if whoever asks may, and nothing that reads it is in the way.
 * @throws AsofError `unknown_name`, `forbidden`, `lifecycle_refused`, `still_used`, `run_conflict`
 */
export async function changeLifecycle(
  registry: Registry,
  viewer: Viewer,
  request: LifecycleRequest,
  by: ChangedBy,
): Promise<VersionState> {
  const { kind, name, version, event, ...change } = request;
  const id: VersionId = { kind, name, version };
  viewer.require(ACTIONS[event], [name], () => unknownVersion(id));
  return registry.transaction(async (within) => {
    const { lifecycle } = within;
    if (request.event === 'approve') return lifecycle.approve(id, request, by);
    if (request.event === 'retire') await requireUnused(within, viewer, id);
    if (request.event === 'deprecate') {
      requireAhead(id, request.untilMs, by.nowMs);
      await requireSuccessor(within, id, request.successor);
    }
    return lifecycle.move(id, { ...change, event: request.event }, by);
  });
}

/** @throws AsofError `still_used`, naming what whoever asks may know of, and counting the rest */
async function requireUnused(registry: Registry, viewer: Viewer, id: VersionId): Promise<void> {
  const applied = await registry.current();
  if (applied === null) return;
  const states = new Map(
    (await registry.lifecycle.states()).map((one) => [titleOf(one), one.state]),
  );
  const stateOf = (title: string): LifecycleState | null => states.get(title) ?? null;
  const releases = await registry.releases.current();
  const dependents = dependentsOf(applied.plan, releases, stateOf, id);
  if (dependents.length === 0) return;
  const known = viewer.visible(dependents).map(({ title }) => title);
  const hidden = dependents.length - known.length;
  const rest = hidden === 0 ? [] : [`${hidden} of namespaces that you may not read`];
  const path = `${id.kind}s.${id.name}@${id.version}`;
  throw new AsofError(
    'still_used',
    `${titleOf(id)} is still named by ${[...known, ...rest].join(', ')}.`,
    {
      path,
      issues: [...known, ...rest].map((what) =>
        issue('still_used', path, `${what} names it.`, 'Move it to another version, or retire it.'),
      ),
    },
  );
}

/** @throws AsofError `lifecycle_refused` for a day that callers could never have kept */
function requireAhead(id: VersionId, untilMs: number | null = null, nowMs: number): void {
  if (untilMs === null || untilMs >= nowMs) return;
  const day = new Date(untilMs).toISOString().slice(0, 10);
  throw new AsofError('lifecycle_refused', `${titleOf(id)}: ${day} is over already.`, {
    remedy: 'Name a day to come until which it is served, or none.',
  });
}

/** @throws AsofError `lifecycle_refused` where the successor is not there to be read */
async function requireSuccessor(
  { lifecycle }: Registry,
  id: VersionId,
  successor: number | null = null,
): Promise<void> {
  if (successor === null) return;
  const found = await lifecycle.of({ ...id, version: successor });
  if (successor !== id.version && found !== null && isServed(found.state)) return;
  const title = titleOf({ ...id, version: successor });
  const why = found === null ? 'was never applied' : `is ${found.state}`;
  throw new AsofError('lifecycle_refused', `The successor ${title} ${why}.`, {
    remedy: 'Name one that is active, or none.',
  });
}

export interface LifecycleFilter {
  readonly kind?: string;
  readonly name?: string;
  readonly states?: readonly string[];
  readonly namespace?: string;
}

/** A version, and whether the newest definitions have it. */
export interface ListedVersion extends VersionState {
  readonly isDefined: boolean;
}

/** Versions that whoever asks may know of. */
export async function listLifecycle(
  registry: Registry,
  viewer: Viewer,
  filter: LifecycleFilter = {},
): Promise<ListedVersion[]> {
  viewer.require('lifecycle.read');
  const plan = (await registry.current())?.plan ?? null;
  const defined = new Set(
    plan === null
      ? []
      : [
          ...plan.views.map((one) => titleOf({ ...one, kind: 'view' })),
          ...plan.services.map((one) => titleOf({ ...one, kind: 'service' })),
          ...plan.models.map((one) => titleOf({ ...one, kind: 'model' })),
        ],
  );
  const { kind, name, states, namespace } = filter;
  return viewer
    .visible(await registry.lifecycle.states())
    .filter(
      (one) =>
        (kind === undefined || one.kind === kind) &&
        (name === undefined || one.name === name) &&
        (states === undefined || states.includes(one.state)) &&
        (namespace === undefined || namespaceOf(one.name) === namespace),
    )
    .map((one) => ({ ...one, isDefined: defined.has(titleOf(one)) }));
}

/** All that is known of one version. */
export interface ShownVersion {
  readonly state: VersionState;
  readonly approvals: readonly Approval[];
  readonly approvalsNeeded: number;
  /** The newest first. */
  readonly history: readonly LifecycleStep[];
}

/** @throws AsofError `unknown_name` */
export async function showLifecycle(
  registry: Registry,
  viewer: Viewer,
  id: VersionId,
): Promise<ShownVersion> {
  viewer.require('lifecycle.read');
  const { lifecycle } = registry;
  const state = viewer.mayRead(id.name) ? await lifecycle.of(id) : null;
  if (state === null) throw unknownVersion(id);
  return {
    state,
    approvals: await lifecycle.approvals(state),
    approvalsNeeded: await lifecycle.neededFor(state),
    history: await lifecycle.history(id),
  };
}

/** A version that waits, and for what. */
export interface WaitingVersion {
  readonly state: VersionState;
  readonly approvals: readonly Approval[];
  readonly approvalsNeeded: number;
  /** Of its namespace. */
  readonly owners: readonly string[];
  /** Who may not approve it. */
  readonly not: readonly string[];
}

/** What is a draft or in review. */
export async function waitingVersions(
  registry: Registry,
  viewer: Viewer,
  namespace?: string,
): Promise<WaitingVersion[]> {
  const filter = {
    states: ['draft', 'in_review'],
    ...(namespace === undefined ? {} : { namespace }),
  };
  const facts = await registry.lifecycle.facts();
  const waiting: WaitingVersion[] = [];
  for (const state of await listLifecycle(registry, viewer, filter)) {
    const name = namespaceOf(state.name);
    const policy = facts.policies.get(name) ?? defaultPolicy(name);
    const { submittedBy } = state;
    const writers = await registry.lifecycle.writers(state);
    const not = [...writers, ...(submittedBy === null ? [] : [submittedBy])];
    waiting.push({
      state,
      approvals: await registry.lifecycle.approvals(state),
      approvalsNeeded: approvalReason(state, facts) === null ? 0 : policy.approvals,
      owners: policy.owners,
      not: [...new Set(not)],
    });
  }
  return waiting;
}

/** @throws AsofError `forbidden` */
export async function setNamespace(
  registry: Registry,
  viewer: Viewer,
  name: string,
  change: Partial<Omit<NamespacePolicy, 'name'>>,
  by: ChangedBy,
): Promise<NamespacePolicy> {
  viewer.require('access.manage', [`${name}.any`]);
  return registry.transaction(async (within) => {
    const policy = await within.namespaces.set(name, change, by);
    await within.lifecycle.settleAll(name, by);
    return policy;
  });
}

/** Of the namespaces that hold something, or for which something was set. */
export async function listNamespaces(
  registry: Registry,
  viewer: Viewer,
): Promise<NamespacePolicy[]> {
  const set = await registry.namespaces.list();
  const used = (await registry.lifecycle.states()).map((one) => namespaceOf(one.name));
  const names = [...new Set([...set.map(({ name }) => name), ...used])].sort();
  const policies = names
    .filter((name) => viewer.has('reader', name))
    .map((name) => registry.namespaces.of(name));
  return Promise.all(policies);
}
