import type { Clock } from '../base/clock.ts';
import type { Issue } from '../base/errors.ts';
import { AsofError, issue } from '../base/errors.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { diffPlans, type PlanDiff } from '../plan/diff.ts';
import { parsePlan } from '../plan/load.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import {
  inTransaction,
  openDatabase,
  type RegistryAddress,
  type RegistryDatabase,
} from './database.ts';
import { DatasetBook } from './datasets.ts';
import { definitionsOf } from './definition-rows.ts';
import { ReleaseBook } from './releases.ts';
import { ShadowBook } from './shadows.ts';
import { ValidationBook } from './validations.ts';

/** What is applied: the plan and its generation, which grows by one with every apply. */
export interface Applied {
  readonly generation: number;
  readonly appliedMs: number;
  readonly author: string;
  readonly plan: ProjectPlan;
}

export interface ApplyRequest {
  readonly plan: ProjectPlan;
  readonly author: string;
}

/** Of what was applied in order, what held at some time since then. */
export function appliedSince(applied: readonly Applied[], sinceMs: number): Applied[] {
  return applied.filter(
    (_, at) => (applied[at + 1]?.appliedMs ?? Number.POSITIVE_INFINITY) >= sinceMs,
  );
}

/**
 * The record of definitions and their versions. A `name@version` names one hash for ever
 * (semantics §7), even after its definition was removed.
 */
export class Registry {
  readonly datasets: DatasetBook;
  readonly validations: ValidationBook;
  readonly releases: ReleaseBook;
  readonly shadows: ShadowBook;
  readonly #db: RegistryDatabase;
  readonly #clock: Clock;

  private constructor(db: RegistryDatabase, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.datasets = new DatasetBook(db);
    this.validations = new ValidationBook(db);
    this.releases = new ReleaseBook(db);
    this.shadows = new ShadowBook(db);
  }

  /** @throws AsofError `newer_format`, `registry_away`, `registry_damaged`, `disk_failed` */
  static async open(address: RegistryAddress, clock: Clock): Promise<Registry> {
    return new Registry(await openDatabase(address), clock);
  }

  /**
   * All that `work` does with the registry that it is given is done together or not at all, and
   * nobody else changes the registry meanwhile. The registry itself must not be used within.
   */
  transaction<T>(work: (registry: Registry) => Promise<T>): Promise<T> {
    return inTransaction(this.#db, (db) => work(new Registry(db, this.#clock)));
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
    return {
      generation: row.generation,
      appliedMs: row.applied_ms,
      author: row.author,
      plan: parsePlan(row.plan),
    };
  }

  /** The plan of one apply, however long ago. @throws AsofError `not_applied` */
  async planOf(generation: number): Promise<ProjectPlan> {
    const row = await this.#db
      .selectFrom('applies')
      .select('plan')
      .where('generation', '=', generation)
      .executeTakeFirst();
    if (row !== undefined) return parsePlan(row.plan);
    throw new AsofError('not_applied', `Nothing was applied as generation ${generation}.`);
  }

  /** All that was ever applied, in order. */
  async history(): Promise<Applied[]> {
    const rows = await this.#db
      .selectFrom('applies')
      .select(['generation', 'applied_ms', 'author', 'plan'])
      .orderBy('generation')
      .execute();
    return rows.map(({ generation, applied_ms: appliedMs, author, plan }) => {
      return { generation, appliedMs, author, plan: parsePlan(plan) };
    });
  }

  /** The plans that were applied at some time since then, in order; the present one is the last. */
  async plansSince(sinceMs: number): Promise<ProjectPlan[]> {
    return appliedSince(await this.history(), sinceMs).map(({ plan }) => plan);
  }

  /** A server answers by this generation from now on: its tiles are built and caught up. */
  async tookOver(generation: number, throughCommit: number): Promise<void> {
    await this.#db
      .insertInto('takeovers')
      .values({ generation, at_ms: this.#clock.nowMs(), through_commit: throughCommit })
      .execute();
  }

  /** The newest generation that a server has taken over, 0 before the first. */
  async generationServed(): Promise<number> {
    const row = await this.#db
      .selectFrom('takeovers')
      .select('generation')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.generation ?? 0;
  }

  /** The newest plan ever applied that has this version of a service, or null. */
  planWith(service: string, version: number): Promise<ProjectPlan | null> {
    return this.#newestPlanWith('services', service, version);
  }

  /** The newest plan ever applied that has this version of a view, or null. */
  planWithView(view: string, version: number): Promise<ProjectPlan | null> {
    return this.#newestPlanWith('views', view, version);
  }

  async #newestPlanWith(
    list: 'services' | 'views',
    name: string,
    version: number,
  ): Promise<ProjectPlan | null> {
    const rows = await this.#db
      .selectFrom('applies')
      .select('plan')
      .orderBy('generation', 'desc')
      .execute();
    const plans = rows.map((row) => parsePlan(row.plan));
    return (
      plans.find((plan) =>
        plan[list].some((one) => one.name === name && one.version === version),
      ) ?? null
    );
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

  /** What applying would change; nothing is written. */
  async diff(plan: ProjectPlan): Promise<PlanDiff> {
    return diffPlans((await this.current())?.plan ?? null, plan);
  }

  /** Definitions whose `name@version` already meant something else, as issues. */
  async conflicts(plan: ProjectPlan): Promise<Issue[]> {
    const issues = await this.#releasedAndGone(plan);
    const rows = await this.#db
      .selectFrom('definitions')
      .select(['kind', 'name', 'version', 'hash'])
      .execute();
    const known = new Map(rows.map((row) => [titleOf(row), row.hash]));
    const different = definitionsOf(plan).filter((definition) => {
      const hash = definition.version === 0 ? undefined : known.get(titleOf(definition));
      return hash !== undefined && hash !== definition.hash;
    });
    if (different.length === 0) return issues;
    const diff = await this.diff(plan);
    for (const definition of different) {
      const { cause, remedy } = causeOf(definition, diff);
      issues.push(
        issue(
          'version_conflict',
          `${definition.kind}s.${definition.name}`,
          `${titleOf(definition)} was applied before with another meaning${cause}.`,
          `${remedy}Set version: ${definition.version + 1}, and keep the old one while a model reads it.`,
        ),
      );
    }
    return issues;
  }

  /** Versions that answer callers stay until another one does. */
  async #releasedAndGone(plan: ProjectPlan): Promise<Issue[]> {
    return (await this.releases.current()).flatMap(({ service, live, canary }) =>
      [live, ...(canary === null ? [] : [canary])]
        .filter((version) => {
          return !plan.services.some((one) => one.name === service && one.version === version);
        })
        .map((version) =>
          issue(
            'version_conflict',
            `services.${service}`,
            `service ${service}@${version} is published, and is not defined any more.`,
            'Publish another version or roll back first; then it can go.',
          ),
        ),
    );
  }

  /**
   * Makes a plan the current one, in one transaction; applying what is current changes nothing.
   * @throws AsofError `version_conflict` with an issue for each definition that is refused
   */
  apply({
    plan,
    author,
  }: ApplyRequest): Promise<{ readonly generation: number; readonly diff: PlanDiff }> {
    return inTransaction(this.#db, async (db) => {
      const registry = new Registry(db, this.#clock);
      const issues = await registry.conflicts(plan);
      if (issues.length > 0) {
        throw new AsofError('version_conflict', 'The plan changes what versions mean.', { issues });
      }
      const current = await registry.current();
      const diff = diffPlans(current?.plan ?? null, plan);
      const text = canonicalJson(plan);
      if (current !== null && canonicalJson(current.plan) === text) {
        return { generation: current.generation, diff };
      }
      const nowMs = this.#clock.nowMs();
      for (const { kind, name, version, hash, body } of definitionsOf(plan)) {
        await db
          .insertInto('definitions')
          .values({ kind, name, version, hash, body: canonicalJson(body), first_applied_ms: nowMs })
          .onConflict((row) => row.doNothing())
          .execute();
      }
      const generation = (current?.generation ?? 0) + 1;
      const summary = canonicalJson(diff);
      await db
        .insertInto('applies')
        .values({ generation, applied_ms: nowMs, author, plan: text, summary })
        .execute();
      return { generation, diff };
    });
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }
}

function titleOf(definition: {
  readonly kind: string;
  readonly name: string;
  readonly version: number;
}): string {
  return `${definition.kind} ${definition.name}@${definition.version}`;
}

/** A view means what its source accepts: where that is what differs, it is named. */
function causeOf(
  { kind, name, version }: ReturnType<typeof definitionsOf>[number],
  { changes }: PlanDiff,
): { readonly cause: string; readonly remedy: string } {
  const change = changes.find(
    (one) => one.kind === kind && one.name === name && one.version === version,
  );
  const inherited = change?.sentences.filter((sentence) => sentence.startsWith('source ')) ?? [];
  if (inherited.length === 0) return { cause: '', remedy: '' };
  const remedy = 'Take back what changed in the source, which is part of what its views mean. Or: ';
  return { cause: `: ${inherited.join(', ')}`, remedy };
}
