import type { Role } from './access/principal.ts';

/**
 * The lifecycle of one version of a view, a service or a model.
 *
 * | what holds | where it is enforced |
 * | - | - |
 * | Every state answers every event: with the next state, or with a sentence | `TRANSITIONS`, whose type leaves no hole; `lifecycle.test.ts` walks all of it |
 * | No state changes but through this table, and no change is without a row of its history | `LifecycleBook`, the only writer of both tables, one transaction for both |
 * | A version is active from its first apply only where its namespace asks for no approval | `LifecycleBook.noteApplied`, in the transaction of the apply |
 * | An approval is of exact content, by somebody who neither wrote nor submitted it | `LifecycleBook.approve`; other content is the event `change`, and ends the review |
 * | What is neither active nor deprecated answers no request, nor does what reads it | `servingGates`, compiled into the read path by `FeatureServer.gate` |
 * | Nothing that somebody reads is retired | `dependentsOf`, in the transaction of the retirement |
 * | What is retired comes back under no name | `LifecycleBook.refusals`, asked by every apply |
 */
export const LIFECYCLE_STATES = ['draft', 'in_review', 'active', 'deprecated', 'retired'] as const;

export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

export const LIFECYCLE_EVENTS = [
  'change',
  'submit',
  'approve',
  'pass',
  'reject',
  'deprecate',
  'reinstate',
  'retire',
  'withdraw',
] as const;

export type LifecycleEvent = (typeof LIFECYCLE_EVENTS)[number];

/** Who may cause an event, of the version's namespace; `registry` is the platform itself. */
export const CAUSED_BY: Readonly<Record<LifecycleEvent, Role | 'registry'>> = {
  /** An apply brought other content under the same meaning: a description, an expectation. */
  change: 'registry',
  submit: 'editor',
  /** One approval of those that are needed; never by whoever wrote or submitted it. */
  approve: 'approver',
  /** The last approval that was needed is there. */
  pass: 'registry',
  reject: 'approver',
  deprecate: 'editor',
  reinstate: 'editor',
  retire: 'editor',
  /** Takes a version back that was never served; its hash stays taken. */
  withdraw: 'editor',
};

/** What an event leads to: the next state, or why it is refused and what to do instead. */
export type Transition = { readonly to: LifecycleState } | { readonly refusal: string };

const to = (state: LifecycleState): Transition => ({ to: state });
const no = (refusal: string): Transition => ({ refusal });

const GONE = 'it is retired, for ever; raise the version for a new one';
const SUBMIT_FIRST = 'it is a draft; submit it first';
const NEVER_SERVED = 'it was never served; withdraw it instead';
const IS_SERVED = 'it is served already; nothing is to be reviewed';
const WAS_SERVED = 'it was served; deprecate it and retire it';

export const TRANSITIONS: Readonly<
  Record<LifecycleState, Readonly<Record<LifecycleEvent, Transition>>>
> = {
  draft: {
    change: to('draft'),
    submit: to('in_review'),
    approve: no(SUBMIT_FIRST),
    pass: no(SUBMIT_FIRST),
    reject: no('it is a draft; there is nothing to reject'),
    deprecate: no(NEVER_SERVED),
    reinstate: no('it is a draft; submit it, and it is active once it is approved'),
    retire: no(NEVER_SERVED),
    withdraw: to('retired'),
  },
  in_review: {
    // What was looked at is not what would be served: its author submits it again.
    change: to('draft'),
    submit: no('it is in review already'),
    approve: to('in_review'),
    pass: to('active'),
    reject: to('draft'),
    deprecate: no(NEVER_SERVED),
    reinstate: no('it is in review; it is active once it is approved'),
    retire: no(NEVER_SERVED),
    withdraw: to('retired'),
  },
  active: {
    change: to('active'),
    submit: no(IS_SERVED),
    approve: no(IS_SERVED),
    pass: no(IS_SERVED),
    reject: no('it is served already; deprecate it instead'),
    deprecate: to('deprecated'),
    reinstate: no('it is active'),
    retire: to('retired'),
    withdraw: no(WAS_SERVED),
  },
  deprecated: {
    change: to('deprecated'),
    submit: no('it is deprecated, and served; reinstate it to have it active again'),
    approve: no('it is deprecated, and served; nothing is to be reviewed'),
    pass: no('it is deprecated, and served; nothing is to be reviewed'),
    reject: no('it is deprecated already; retire it once nobody reads it'),
    // Another date, another successor.
    deprecate: to('deprecated'),
    reinstate: to('active'),
    retire: to('retired'),
    withdraw: no(WAS_SERVED),
  },
  retired: {
    // Its definition may stand in an older project; an apply that brings it is refused elsewhere.
    change: no(GONE),
    submit: no(GONE),
    approve: no(GONE),
    pass: no(GONE),
    reject: no(GONE),
    deprecate: no(GONE),
    reinstate: no(GONE),
    retire: no('it is retired already'),
    withdraw: no('it is retired already'),
  },
};

/** Whether requests are answered by a version in this state. */
export function isServed(state: LifecycleState): boolean {
  return state === 'active' || state === 'deprecated';
}

/** The state of a version that no apply has brought before. */
export function firstState(needsApproval: boolean): LifecycleState {
  return needsApproval ? 'draft' : 'active';
}

/** What has a lifecycle. Sources and entities have no version, datasets are built and deleted. */
export const LIFECYCLE_KINDS = ['view', 'service', 'model'] as const;

export type LifecycleKind = (typeof LIFECYCLE_KINDS)[number];

/** One version that has a lifecycle. */
export interface VersionId {
  readonly kind: LifecycleKind;
  readonly name: string;
  readonly version: number;
}

/** `view fraud.spend@2` */
export function titleOf({ kind, name, version }: VersionId): string {
  return `${kind} ${name}@${version}`;
}

/** A state as people read it. */
export function stateText(state: LifecycleState): string {
  return state === 'in_review' ? 'in review' : state;
}
