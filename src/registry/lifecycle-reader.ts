import type { Issue } from '../base/errors.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { RegistryDatabase } from './database.ts';
import { titleOf, type VersionId } from './lifecycle.ts';
import {
  type DraftAhead,
  draftsAhead,
  type LifecycleFacts,
  lifecycleRefusals,
} from './lifecycle-applied.ts';
import {
  type Approval,
  approvalOfRow,
  type LifecycleStep,
  stateOfRow,
  stepOfRow,
  type VersionState,
} from './lifecycle-rows.ts';
import { policiesIn } from './namespaces.ts';

/** What is known of lifecycles; nothing is changed. */
export class LifecycleReader {
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** The number of the newest transition, 0 before the first: what a server looks at. */
  async newestId(): Promise<number> {
    const row = await this.#db
      .selectFrom('lifecycle_events')
      .select((of) => of.fn.max('id').as('newest'))
      .executeTakeFirst();
    return row?.newest ?? 0;
  }

  /** All versions there ever were, in order of kind, name and version. */
  async states(): Promise<VersionState[]> {
    const rows = await this.#db
      .selectFrom('lifecycle')
      .selectAll()
      .orderBy('kind')
      .orderBy('name')
      .orderBy('version')
      .execute();
    return rows.map(stateOfRow);
  }

  /** What is needed to tell which versions must be approved. */
  async facts(): Promise<LifecycleFacts> {
    const states = await this.states();
    const policies = await policiesIn(this.#db);
    return {
      states: new Map(states.map((one) => [titleOf(one), one])),
      policies: new Map(policies.map((one) => [one.name, one])),
    };
  }

  async of(id: VersionId): Promise<VersionState | null> {
    const row = await this.#db
      .selectFrom('lifecycle')
      .selectAll()
      .where('kind', '=', id.kind)
      .where('name', '=', id.name)
      .where('version', '=', id.version)
      .executeTakeFirst();
    return row === undefined ? null : stateOfRow(row);
  }

  /** Every transition of a version, the newest first. */
  async history({ kind, name, version }: VersionId): Promise<LifecycleStep[]> {
    const rows = await this.#db
      .selectFrom('lifecycle_events')
      .selectAll()
      .where('kind', '=', kind)
      .where('name', '=', name)
      .where('version', '=', version)
      .orderBy('id', 'desc')
      .execute();
    return rows.map(stepOfRow);
  }

  /** Everybody who applied content of a version, the present one or one that it was made from. */
  async writers(state: VersionState): Promise<string[]> {
    const steps = await this.history(state);
    const applied = steps.filter(({ event }) => event === 'apply' || event === 'change');
    return [...new Set([state.author, state.contentAuthor, ...applied.map(({ actor }) => actor)])];
  }

  /** The approvals that count for what is in review: of this round, and of this content. */
  async approvals({ kind, name, version, round, digest }: VersionState): Promise<Approval[]> {
    const rows = await this.#db
      .selectFrom('approvals')
      .selectAll()
      .where('kind', '=', kind)
      .where('name', '=', name)
      .where('version', '=', version)
      .where('round', '=', round)
      .where('digest', '=', digest)
      .orderBy('at_ms')
      .execute();
    return rows.map(approvalOfRow);
  }

  /** What would be a draft, were the plan applied. */
  async draftsAhead(plan: ProjectPlan): Promise<DraftAhead[]> {
    return draftsAhead(plan, await this.facts());
  }

  /** Why a plan cannot be applied, for what its versions are. */
  async refusals(plan: ProjectPlan, namespaces: readonly string[] | null): Promise<Issue[]> {
    return lifecycleRefusals(plan, namespaces, await this.facts());
  }
}
