import type { Clock } from '../base/clock.ts';
import { AsofError, type Issue } from '../base/errors.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { AccessBook } from './access/access-book.ts';
import { type Applied, appliedSince } from './applied.ts';
import { type ApplyRequest, type ApplyResult, applyIn } from './apply.ts';
import { AuditBook } from './audit.ts';
import { type AuditKeys, UNSIGNED } from './audit-chain.ts';
import { type Changes, readChanges } from './changes.ts';
import { conflictsWith, generationServed } from './conflicts.ts';
import {
  consistently,
  inTransaction,
  type RegistryAddress,
  type RegistryDatabase,
} from './database.ts';
import { DatasetBook } from './datasets.ts';
import { ForgottenBook } from './forgotten.ts';
import { LifecycleBook } from './lifecycle-book.ts';
import { NamespaceBook } from './namespaces.ts';
import { openDatabase } from './open-database.ts';
import { PlanBook } from './plan-book.ts';
import { ReleaseBook } from './releases.ts';
import { ShadowBook } from './shadows.ts';
import { TokenKeyBook } from './token-keys.ts';
import { ValidationBook } from './validations.ts';

/**
 * The record of definitions and their versions. A `name@version` names one hash for ever
 * (semantics §7), even after its definition was removed.
 */
export class Registry {
  readonly datasets: DatasetBook;
  readonly validations: ValidationBook;
  readonly releases: ReleaseBook;
  readonly shadows: ShadowBook;
  readonly forgotten: ForgottenBook;
  readonly access: AccessBook;
  readonly tokenKeys: TokenKeyBook;
  readonly audit: AuditBook;
  readonly lifecycle: LifecycleBook;
  readonly namespaces: NamespaceBook;
  /** Plans by generation. */
  readonly plans: PlanBook;
  readonly #db: RegistryDatabase;
  readonly #clock: Clock;
  readonly #auditKeys: AuditKeys;

  private constructor(db: RegistryDatabase, clock: Clock, plans: PlanBook, auditKeys: AuditKeys) {
    this.#db = db;
    this.#clock = clock;
    this.#auditKeys = auditKeys;
    this.plans = plans;
    this.datasets = new DatasetBook(db);
    this.validations = new ValidationBook(db);
    this.releases = new ReleaseBook(db);
    this.shadows = new ShadowBook(db);
    this.forgotten = new ForgottenBook(db);
    this.access = new AccessBook(db);
    this.tokenKeys = new TokenKeyBook(db);
    this.audit = new AuditBook(db, clock, auditKeys);
    this.lifecycle = new LifecycleBook(db, this.audit);
    this.namespaces = new NamespaceBook(db, this.audit);
  }

  /** @throws AsofError `newer_format`, `registry_away`, `registry_damaged`, `disk_failed` */
  static async open(
    address: RegistryAddress,
    clock: Clock,
    auditKeys: AuditKeys = UNSIGNED,
  ): Promise<Registry> {
    return Registry.over(await openDatabase(address), clock, auditKeys);
  }

  /** On a database that is open; who closes the registry closes it. */
  static over(db: RegistryDatabase, clock: Clock, auditKeys: AuditKeys = UNSIGNED): Registry {
    return new Registry(db, clock, new PlanBook(db), auditKeys);
  }

  /**
   * All that `work` does with the registry that it is given is done together or not at all, and
   * nobody else changes the registry meanwhile. The registry itself must not be used within.
   */
  transaction<T>(work: (registry: Registry) => Promise<T>): Promise<T> {
    return inTransaction(this.#db, (db) => work(this.#within(db)));
  }

  /** `work` reads the state of one moment, whatever is changed meanwhile. */
  consistently<T>(work: (registry: Registry) => Promise<T>): Promise<T> {
    return consistently(this.#db, (db) => work(this.#within(db)));
  }

  #within(db: RegistryDatabase): Registry {
    return new Registry(db, this.#clock, this.plans.within(db), this.#auditKeys);
  }

  /** The newest applied plan, or null before the first apply. */
  async current(): Promise<Applied | null> {
    const row = await this.#db
      .selectFrom('applies')
      .selectAll()
      .orderBy('generation', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return null;
    const { generation, author, applied_ms: appliedMs } = row;
    return { generation, appliedMs, author, plan: await this.plans.at(generation) };
  }

  /** The plan of one apply, however long ago. @throws AsofError `not_applied` */
  async planOf(generation: number): Promise<ProjectPlan> {
    const row = await this.#db
      .selectFrom('applies')
      .select('generation')
      .where('generation', '=', generation)
      .executeTakeFirst();
    if (row !== undefined) return this.plans.at(generation);
    throw new AsofError('not_applied', `Nothing was applied as generation ${generation}.`);
  }

  /** All that was ever applied, in order. */
  history(): Promise<Applied[]> {
    return this.historySince(Number.NEGATIVE_INFINITY);
  }

  /** The plans that were applied at some time since then, in order; the present one is the last. */
  async plansSince(sinceMs: number): Promise<ProjectPlan[]> {
    return (await this.historySince(sinceMs)).map(({ plan }) => plan);
  }

  async historySince(sinceMs: number): Promise<Applied[]> {
    const rows = await this.#db
      .selectFrom('applies')
      .select(['generation', 'applied_ms as appliedMs', 'author'])
      .orderBy('generation')
      .execute();
    const asked = appliedSince(rows, sinceMs);
    const plans = await this.plans.all(asked.map(({ generation }) => generation));
    return plans.flatMap((plan, at) => {
      const row = asked[at];
      return row === undefined ? [] : [{ ...row, plan }];
    });
  }

  /** A server answers by this generation from now on: its tiles are built and caught up. */
  async tookOver(generation: number, throughCommit: number): Promise<void> {
    await this.#db
      .insertInto('takeovers')
      .values({ generation, at_ms: this.#clock.nowMs(), through_commit: throughCommit })
      .execute();
  }

  /** The newest generation that a server has taken over, 0 before the first. */
  generationServed(): Promise<number> {
    return generationServed(this.#db);
  }

  /** The newest plan ever applied that has this version of a service, or null. */
  planWith(service: string, version: number): Promise<ProjectPlan | null> {
    return this.#newestPlanWith('service', service, version);
  }

  /** The newest plan ever applied that has this version of a view, or null. */
  planWithView(view: string, version: number): Promise<ProjectPlan | null> {
    return this.#newestPlanWith('view', view, version);
  }

  async #newestPlanWith(
    kind: 'service' | 'view',
    name: string,
    version: number,
  ): Promise<ProjectPlan | null> {
    const generation = await this.plans.newestWith(kind, name, version);
    return generation === null ? null : this.plans.at(generation);
  }

  /** All versions of a view that were ever applied, in order. */
  async viewVersions(view: string): Promise<number[]> {
    const rows = await this.#db
      .selectFrom('definitions')
      .select('version')
      .where('kind', '=', 'view')
      .where('name', '=', view)
      .orderBy('version')
      .execute();
    return rows.map(({ version }) => version);
  }

  async generation(): Promise<number> {
    const row = await this.#db
      .selectFrom('applies')
      .select((of) => of.fn.max('generation').as('newest'))
      .executeTakeFirst();
    return row?.newest ?? 0;
  }

  /** Definitions whose `name@version` already meant something else, as issues. */
  async conflicts(
    plan: ProjectPlan,
    namespaces: readonly string[] | null = null,
  ): Promise<Issue[]> {
    const current = (await this.current())?.plan ?? null;
    return [
      ...(await conflictsWith(this.#db, current, plan)),
      ...(await this.lifecycle.refusals(plan, namespaces)),
    ];
  }

  /**
   * Makes a plan the current one, in one transaction; applying what is current changes nothing.
   * @throws AsofError `version_conflict` with an issue for each definition that is refused
   */
  apply(request: ApplyRequest): Promise<ApplyResult> {
    return inTransaction(this.#db, async (db) => {
      const within = this.#within(db);
      const { plans, lifecycle, audit } = within;
      const current = await within.current();
      return applyIn({ db, current, plans, lifecycle, audit, nowMs: this.#clock.nowMs() }, request);
    });
  }

  /** How often each part has changed: what a follower looks at. */
  changes(): Promise<Changes> {
    return readChanges(this.#db);
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }
}
