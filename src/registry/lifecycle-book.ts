import type { Updateable } from 'kysely';
import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { namespaceOf } from '../schema/types.ts';
import type { AuditBook } from './audit.ts';
import { noteChange } from './changes.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';
import {
  LIFECYCLE_KINDS,
  type LifecycleEvent,
  type LifecycleState,
  TRANSITIONS,
  titleOf,
  type VersionId,
} from './lifecycle.ts';
import { approvalReason, versionsOf } from './lifecycle-applied.ts';
import { beginVersions, type DigestedVersion } from './lifecycle-begin.ts';
import { LifecycleReader } from './lifecycle-reader.ts';
import type { LifecycleStep, VersionState } from './lifecycle-rows.ts';
import type { LifecycleTable } from './lifecycle-tables.ts';
import { type ChangedBy, NamespaceBook } from './namespaces.ts';
import { OPEN_GENERATION } from './plan-tables.ts';

/** What happens to one version, and what is said of it. */
export interface LifecycleChange {
  readonly event: Exclude<LifecycleEvent, 'change' | 'pass' | 'approve'>;
  readonly reason: string | null;
  /** Of a deprecation: until when it is served at least, and what is to be read instead. */
  readonly untilMs?: number | null;
  readonly successor?: number | null;
}

/** A transition before it is written. */
interface Step extends Pick<LifecycleStep, 'event' | 'reason'> {
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Where versions are in their lifecycle, and how they came there. It is the only writer of both:
 * each change is one transaction that looks at the table of transitions, and is audited in it.
 */
export class LifecycleBook extends LifecycleReader {
  readonly #db: RegistryDatabase;
  readonly #audit: AuditBook;
  readonly #namespaces: NamespaceBook;

  constructor(db: RegistryDatabase, audit: AuditBook) {
    super(db);
    this.#db = db;
    this.#audit = audit;
    this.#namespaces = new NamespaceBook(db, audit);
  }

  /** Called in the transaction of an apply: what is new begins, and what changed is told. */
  noteApplied(plan: ProjectPlan, by: ChangedBy): Promise<void> {
    return this.#change(async (book) => {
      const facts = await book.facts();
      const digests = await book.#digests();
      const begun: DigestedVersion[] = [];
      for (const applied of versionsOf(plan)) {
        const title = titleOf(applied);
        const version = { ...applied, digest: present(digests.get(title), title) };
        const state = facts.states.get(title);
        if (state === undefined) begun.push(version);
        else await book.#noteContent(state, version, by);
      }
      await beginVersions(book.#db, begun, facts, by);
      await noteChange(book.#db, 'lifecycle');
    });
  }

  /** Of the content of every version in the newest plan, as it was written for this apply. */
  async #digests(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#db
      .selectFrom('members')
      .select(['kind', 'name', 'version', 'digest'])
      .where('to_generation', '=', OPEN_GENERATION)
      .where('kind', 'in', LIFECYCLE_KINDS)
      .execute();
    return new Map(
      rows.map(({ kind, name, version, digest }) => [`${kind} ${name}@${version}`, digest]),
    );
  }

  /** Other content under the same meaning: what was approved of it is approved no more. */
  async #noteContent(state: VersionState, version: DigestedVersion, by: ChangedBy): Promise<void> {
    const { digest, risk, marks } = version;
    if (state.digest === digest && state.risk === risk) return;
    if (state.state === 'retired') return;
    const content = { digest, risk, marks: JSON.stringify(marks) };
    const isContent = state.digest !== digest && state.digest !== '';
    if (!isContent) {
      await this.#update(state, content);
      return;
    }
    const change = { event: 'change', reason: 'an apply brought other content' } as const;
    const next = this.#next(state, 'change');
    const changed = { ...state, digest };
    await this.#write(changed, next, change, by, { ...content, content_author: by.actor });
  }

  /**
   * Moves a version on, all events but approvals.
   * @throws AsofError `unknown_name`, `lifecycle_refused`
   */
  move(id: VersionId, change: LifecycleChange, by: ChangedBy): Promise<VersionState> {
    return this.#change(async (book) => {
      const state = await book.#known(id);
      const { event, reason, untilMs = null, successor = null } = change;
      const next = book.#next(state, event);
      const isDeprecation = event === 'deprecate';
      const more = {
        ...(event === 'submit' ? { submitted_by: by.actor, round: state.round + 1 } : {}),
        ...(isDeprecation ? { deprecated_until_ms: untilMs, successor } : {}),
        ...(event === 'reinstate' ? { deprecated_until_ms: null, successor: null } : {}),
      };
      const details = isDeprecation ? { untilMs, successor } : {};
      await book.#write(state, next, { event, reason, details }, by, more);
      if (event === 'submit') await book.#settle(id, by);
      return book.#known(id);
    });
  }

  /**
   * One approval, by somebody who neither wrote nor submitted it. The last one that is needed makes
   * the version active.
   * @param digest the content that was looked at; null for whatever it is now
   * @throws AsofError `unknown_name`, `lifecycle_refused`, `run_conflict` if the content is another
   */
  approve(
    id: VersionId,
    { digest, reason }: { readonly digest: string | null; readonly reason: string | null },
    by: ChangedBy,
  ): Promise<VersionState> {
    return this.#change(async (book) => {
      const state = await book.#known(id);
      const next = book.#next(state, 'approve');
      if (digest !== null && !state.digest.startsWith(digest)) {
        const text = `${titleOf(id)} is not what was looked at any more: it is ${state.digest}.`;
        throw new AsofError('run_conflict', text, {
          remedy: 'Look at it again, and approve that.',
        });
      }
      await book.#requireOther(state, by.actor);
      const { kind, name, version, round } = state;
      await book.#db
        .insertInto('approvals')
        .values({
          ...{ kind, name, version, round, approver: by.actor, digest: state.digest },
          ...{ at_ms: by.nowMs, reason },
        })
        .execute();
      await book.#write(state, next, { event: 'approve', reason }, by, {});
      await book.#settle(id, by);
      return book.#known(id);
    });
  }

  async #requireOther(state: VersionState, actor: string): Promise<void> {
    const refused = (why: string): never => {
      throw new AsofError('lifecycle_refused', `${titleOf(state)} is not approved: ${why}.`, {
        remedy: 'Somebody else with the role approver looks at it.',
      });
    };
    // Also content that somebody else applied a word to since: all that was there is in it.
    if ((await this.writers(state)).includes(actor)) refused(`${actor} wrote it`);
    if (actor === state.submittedBy) refused(`${actor} submitted it`);
    const approvals = await this.approvals(state);
    if (approvals.some(({ approver }) => approver === actor)) refused(`${actor} has approved it`);
  }

  /** What waits in a namespace is looked at again: its policy may ask for less now. */
  settleAll(namespace: string, by: ChangedBy): Promise<void> {
    return this.#change(async (book) => {
      for (const state of await book.states()) {
        if (state.state !== 'in_review' || namespaceOf(state.name) !== namespace) continue;
        await book.#settle(state, by);
      }
    });
  }

  /** In review with all that is needed: it becomes active. */
  async #settle(id: VersionId, { nowMs }: ChangedBy): Promise<void> {
    const state = await this.#known(id);
    if (state.state !== 'in_review') return;
    const given = await this.approvals(state);
    const needed = await this.neededFor(state);
    if (given.length < needed) return;
    const reason = needed === 0 ? 'nothing asks for approval' : `${given.length} approved it`;
    const next = this.#next(state, 'pass');
    await this.#write(state, next, { event: 'pass', reason }, { actor: 'registry', nowMs }, {});
  }

  /** How many approvals a version needs to be served, by the policy of today. */
  async neededFor(state: VersionState): Promise<number> {
    const facts = await this.facts();
    if (approvalReason(state, facts) === null) return 0;
    return (await this.#namespaces.of(namespaceOf(state.name))).approvals;
  }

  async #known(id: VersionId): Promise<VersionState> {
    const state = await this.of(id);
    if (state !== null) return state;
    throw unknownVersion(id);
  }

  #next(state: VersionState, event: LifecycleEvent): LifecycleState {
    const transition = TRANSITIONS[state.state][event];
    if ('to' in transition) return transition.to;
    throw new AsofError('lifecycle_refused', `${titleOf(state)}: ${transition.refusal}.`);
  }

  /** The new state, its row of the history, and its entry of the audit. */
  async #write(
    state: VersionState,
    next: LifecycleState,
    { event, reason, details = {} }: Step,
    { actor, nowMs }: ChangedBy,
    more: Updateable<LifecycleTable>,
  ): Promise<void> {
    const isMove = next !== state.state || event === 'deprecate';
    await this.#update(state, {
      ...more,
      ...(isMove ? { state: next, since_ms: nowMs, reason } : {}),
    });
    const { kind, name, version, digest } = state;
    await this.#db
      .insertInto('lifecycle_events')
      .values({
        ...{ kind, name, version, event, from_state: state.state, to_state: next },
        ...{ at_ms: nowMs, actor, reason, digest },
      })
      .execute();
    await noteChange(this.#db, 'lifecycle');
    await this.#audit.append({
      ...{ atMs: nowMs, actor, action: `lifecycle.${event}`, namespace: namespaceOf(name) },
      ...{ target: titleOf(state), outcome: 'done' as const },
      details: {
        from: state.state,
        to: next,
        digest,
        ...(reason === null ? {} : { reason }),
        ...details,
      },
    });
  }

  async #update(
    { kind, name, version }: VersionId,
    values: Updateable<LifecycleTable>,
  ): Promise<void> {
    if (Object.keys(values).length === 0) return;
    await this.#db
      .updateTable('lifecycle')
      .set(values)
      .where('kind', '=', kind)
      .where('name', '=', name)
      .where('version', '=', version)
      .execute();
  }

  #change<T>(work: (book: LifecycleBook) => Promise<T>): Promise<T> {
    return inTransaction(this.#db, (db) =>
      work(db === this.#db ? this : new LifecycleBook(db, this.#audit.within(db))),
    );
  }
}

/** A version that nobody has applied. */
export function unknownVersion(id: VersionId): AsofError {
  return new AsofError('unknown_name', `There is no ${titleOf(id)}.`, { path: id.name });
}
