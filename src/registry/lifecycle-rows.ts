import type { Selectable } from 'kysely';
import { AssertionFailure } from '../base/assert.ts';
import {
  LIFECYCLE_EVENTS,
  LIFECYCLE_KINDS,
  LIFECYCLE_STATES,
  type LifecycleEvent,
  type LifecycleKind,
  type LifecycleState,
  type VersionId,
} from './lifecycle.ts';
import type { ApprovalsTable, LifecycleEventsTable, LifecycleTable } from './lifecycle-tables.ts';
import { textList } from './namespaces.ts';

/** Where one version is. */
export interface VersionState extends VersionId {
  readonly state: LifecycleState;
  /** Of its exact content, descriptions included: what an approval is of. */
  readonly digest: string;
  readonly author: string;
  /** Who applied the content that it has now. */
  readonly contentAuthor: string;
  readonly submittedBy: string | null;
  readonly round: number;
  readonly marks: readonly string[];
  /** Why it is of high risk, or null. */
  readonly risk: string | null;
  readonly sinceMs: number;
  /** Of a deprecated one: until when it is served at least, if that was said. */
  readonly deprecatedUntilMs: number | null;
  readonly successor: number | null;
  readonly reason: string | null;
}

/** One transition that was made. */
export interface LifecycleStep extends VersionId {
  readonly id: number;
  readonly event: LifecycleEvent | 'apply';
  /** null: it was new. */
  readonly from: LifecycleState | null;
  readonly to: LifecycleState;
  readonly atMs: number;
  readonly actor: string;
  readonly reason: string | null;
  readonly digest: string;
}

export interface Approval {
  readonly approver: string;
  readonly atMs: number;
  readonly digest: string;
  readonly reason: string | null;
}

export function stateOfRow(row: Selectable<LifecycleTable>): VersionState {
  return {
    ...idOf(row),
    state: known(LIFECYCLE_STATES, row.state),
    digest: row.digest,
    author: row.author,
    contentAuthor: row.content_author,
    submittedBy: row.submitted_by,
    round: row.round,
    marks: textList(row.marks),
    risk: row.risk,
    sinceMs: row.since_ms,
    deprecatedUntilMs: row.deprecated_until_ms,
    successor: row.successor,
    reason: row.reason,
  };
}

export function stepOfRow(row: Selectable<LifecycleEventsTable>): LifecycleStep {
  return {
    ...idOf(row),
    id: row.id,
    event: row.event === 'apply' ? 'apply' : known(LIFECYCLE_EVENTS, row.event),
    from: row.from_state === null ? null : known(LIFECYCLE_STATES, row.from_state),
    to: known(LIFECYCLE_STATES, row.to_state),
    atMs: row.at_ms,
    actor: row.actor,
    reason: row.reason,
    digest: row.digest,
  };
}

export function approvalOfRow(row: Selectable<ApprovalsTable>): Approval {
  const { approver, at_ms: atMs, digest, reason } = row;
  return { approver, atMs, digest, reason };
}

function idOf(row: { kind: string; name: string; version: number }): VersionId {
  const kind: LifecycleKind = known(LIFECYCLE_KINDS, row.kind);
  return { kind, name: row.name, version: row.version };
}

function known<T extends string>(all: readonly T[], text: string): T {
  const found = all.find((one) => one === text);
  if (found !== undefined) return found;
  throw new AssertionFailure(`the registry holds '${text}', which is none of ${all.join(', ')}`);
}
