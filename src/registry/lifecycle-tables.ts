import type { Generated } from 'kysely';

/** The tables of lifecycle and approvals as queries know them. */
export interface LifecycleTables {
  readonly namespaces: NamespacesTable;
  readonly lifecycle: LifecycleTable;
  readonly lifecycle_events: LifecycleEventsTable;
  readonly approvals: ApprovalsTable;
}

/** What the owners of a namespace ask of its versions; a namespace without a row has the default. */
export interface NamespacesTable {
  name: string;
  /** A JSON list of names. */
  owners: string;
  approvals: number;
  requires: string;
  /** A JSON list of kinds. */
  kinds: string;
  changed_ms: number;
  changed_by: string;
}

/** Where each version is. */
export interface LifecycleTable {
  kind: string;
  name: string;
  version: number;
  state: string;
  /** Of the exact content that was applied last; empty of what was there before lifecycles were. */
  digest: string;
  /** Who applied it first, and who applied the content that it has now. */
  author: string;
  content_author: string;
  submitted_by: string | null;
  /** Grows with every submission; approvals of earlier ones count no more. */
  round: number;
  /** A JSON list of what is marked in it: `` for itself, or a feature; a mark is never taken off. */
  marks: string;
  /** Why it is of high risk, or null. */
  risk: string | null;
  since_ms: number;
  deprecated_until_ms: number | null;
  successor: number | null;
  reason: string | null;
}

/** Every transition there ever was. */
export interface LifecycleEventsTable {
  id: Generated<number>;
  kind: string;
  name: string;
  version: number;
  event: string;
  from_state: string | null;
  to_state: string;
  at_ms: number;
  actor: string;
  reason: string | null;
  digest: string;
}

/** One approval of one content in one round of review. */
export interface ApprovalsTable {
  kind: string;
  name: string;
  version: number;
  round: number;
  approver: string;
  digest: string;
  at_ms: number;
  reason: string | null;
}
