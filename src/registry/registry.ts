import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../base/clock.ts';
import type { Issue } from '../base/errors.ts';
import { AsofError, issue } from '../base/errors.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { diffPlans, type PlanDiff } from '../plan/diff.ts';
import { parsePlan } from '../plan/load.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { DatasetBook } from './datasets.ts';
import { definitionsOf } from './definition-rows.ts';
import { inTransaction, openRegistryFile } from './registry-file.ts';
import { ReleaseBook } from './releases.ts';
import { ValidationBook } from './validations.ts';

/** What is applied: the plan and its generation, which grows by one with every apply. */
export interface Applied {
  readonly generation: number;
  readonly appliedMs: number;
  readonly author: string;
  readonly plan: ProjectPlan;
}

/**
 * The record of definitions and their versions, in one SQLite file. A `name@version` names one
 * hash for ever (semantics §7), even after its definition was removed.
 */
export class Registry {
  readonly datasets: DatasetBook;
  readonly validations: ValidationBook;
  readonly releases: ReleaseBook;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;

  private constructor(db: DatabaseSync, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.datasets = new DatasetBook(db);
    this.validations = new ValidationBook(db);
    this.releases = new ReleaseBook(db);
  }

  /** @throws AsofError `newer_format`, `disk_failed` */
  static open(path: string, clock: Clock): Registry {
    return new Registry(openRegistryFile(path), clock);
  }

  /** The newest applied plan, or null before the first apply. */
  current(): Applied | null {
    const row = this.#db.prepare('SELECT * FROM applies ORDER BY generation DESC LIMIT 1').get();
    if (row === undefined) return null;
    return {
      generation: Number(row.generation),
      appliedMs: Number(row.applied_ms),
      author: String(row.author),
      plan: parsePlan(String(row.plan)),
    };
  }

  /** The plan of one apply, however long ago. @throws AsofError `not_applied` */
  planOf(generation: number): ProjectPlan {
    const row = this.#db.prepare('SELECT plan FROM applies WHERE generation = ?').get(generation);
    if (row !== undefined) return parsePlan(String(row.plan));
    throw new AsofError('not_applied', `Nothing was applied as generation ${generation}.`);
  }

  /** All plans that were ever applied, in order. */
  plans(): ProjectPlan[] {
    return this.plansSince(Number.NEGATIVE_INFINITY);
  }

  /** The plans that were applied at some time since then, in order; the present one is the last. */
  plansSince(sinceMs: number): ProjectPlan[] {
    const rows = this.#db.prepare('SELECT plan, applied_ms FROM applies ORDER BY generation').all();
    return rows
      .filter((_, at) => Number(rows[at + 1]?.applied_ms ?? Number.POSITIVE_INFINITY) >= sinceMs)
      .map((row) => parsePlan(String(row.plan)));
  }

  /** A server answers by this generation from now on: its tiles are built and caught up. */
  tookOver(generation: number, throughCommit: number): void {
    this.#db
      .prepare('INSERT INTO takeovers (generation, at_ms, through_commit) VALUES (?, ?, ?)')
      .run(generation, this.#clock.nowMs(), throughCommit);
  }

  /** The newest generation that a server has taken over, 0 before the first. */
  generationServed(): number {
    const row = this.#db.prepare('SELECT generation FROM takeovers ORDER BY id DESC LIMIT 1').get();
    return Number(row?.generation ?? 0);
  }

  /** Nobody else changes the registry meanwhile: datasets are begun before or after. */
  exclusively<T>(work: () => T): T {
    return inTransaction(this.#db, work);
  }

  /** The newest plan ever applied that has this version of a service, or null. */
  planWith(service: string, version: number): ProjectPlan | null {
    return this.#newestPlanWith('$.services', service, version);
  }

  /** The newest plan ever applied that has this version of a view, or null. */
  planWithView(view: string, version: number): ProjectPlan | null {
    return this.#newestPlanWith('$.views', view, version);
  }

  #newestPlanWith(list: string, name: string, version: number): ProjectPlan | null {
    const row = this.#db
      .prepare(
        `SELECT plan FROM applies WHERE EXISTS (
           SELECT 1 FROM json_each(plan, ?)
           WHERE value ->> 'name' = ? AND value ->> 'version' = ?
         ) ORDER BY generation DESC LIMIT 1`,
      )
      .get(list, name, version);
    return row === undefined ? null : parsePlan(String(row.plan));
  }

  /** All versions of a view that were ever applied, in order. */
  viewVersions(view: string): number[] {
    return this.#db
      .prepare(`SELECT version FROM definitions WHERE kind = 'view' AND name = ? ORDER BY version`)
      .all(view)
      .map((row) => Number(row.version));
  }

  generation(): number {
    const row = this.#db.prepare('SELECT max(generation) AS newest FROM applies').get();
    return Number(row?.newest ?? 0);
  }

  /** What applying would change; nothing is written. */
  diff(plan: ProjectPlan): PlanDiff {
    return diffPlans(this.current()?.plan ?? null, plan);
  }

  /** Definitions whose `name@version` already meant something else, as issues. */
  conflicts(plan: ProjectPlan): Issue[] {
    const known = this.#db.prepare(
      'SELECT hash FROM definitions WHERE kind = ? AND name = ? AND version = ?',
    );
    const issues: Issue[] = this.#releasedAndGone(plan);
    for (const definition of definitionsOf(plan)) {
      if (definition.version === 0) continue;
      const row = known.get(definition.kind, definition.name, definition.version);
      if (row === undefined || row.hash === definition.hash) continue;
      const title = `${definition.kind} ${definition.name}@${definition.version}`;
      const { cause, remedy } = causeOf(definition, this.diff(plan));
      issues.push(
        issue(
          'version_conflict',
          `${definition.kind}s.${definition.name}`,
          `${title} was applied before with another meaning${cause}.`,
          `${remedy}Set version: ${definition.version + 1}, and keep the old one while a model reads it.`,
        ),
      );
    }
    return issues;
  }

  /** Versions that answer callers stay until another one does. */
  #releasedAndGone(plan: ProjectPlan): Issue[] {
    return this.releases.current().flatMap(({ service, live, canary }) =>
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
  apply(
    plan: ProjectPlan,
    author: string,
  ): { readonly generation: number; readonly diff: PlanDiff } {
    return inTransaction(this.#db, () => {
      const issues = this.conflicts(plan);
      if (issues.length > 0) {
        throw new AsofError('version_conflict', 'The plan changes what versions mean.', { issues });
      }
      const diff = this.diff(plan);
      const text = canonicalJson(plan);
      const current = this.current();
      if (current !== null && canonicalJson(current.plan) === text) {
        return { generation: current.generation, diff };
      }
      const nowMs = this.#clock.nowMs();
      const remember = this.#db.prepare(
        'INSERT OR IGNORE INTO definitions VALUES (?, ?, ?, ?, ?, ?)',
      );
      for (const one of definitionsOf(plan)) {
        remember.run(one.kind, one.name, one.version, one.hash, canonicalJson(one.body), nowMs);
      }
      const generation = this.generation() + 1;
      this.#db
        .prepare('INSERT INTO applies VALUES (?, ?, ?, ?, ?)')
        .run(generation, nowMs, author, text, canonicalJson(diff));
      return { generation, diff };
    });
  }

  close(): void {
    this.#db.close();
  }
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
