import type { Selectable } from 'kysely';
import { AsofError } from '../base/errors.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { noteChange } from './changes.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';
import type { ReleasesTable } from './tables.ts';

/** Which versions of a service answer requests that name none. */
export interface Release {
  /** Grows with every change, of any service. */
  readonly id: number;
  readonly service: string;
  readonly action: 'publish' | 'canary' | 'rollback';
  readonly live: number;
  /** What was live before this version was; null if it is not known. */
  readonly before: number | null;
  readonly canary: number | null;
  /** Of the keys, in millionths, that the canary answers; 0 without one. */
  readonly canaryPpm: number;
  readonly atMs: number;
  readonly author: string;
  /** Why the gates were passed over, or null where they were not. */
  readonly reason: string | null;
  /** What was looked at: validation reports, the generation served. */
  readonly evidence: string;
}

export interface ReleaseChange {
  readonly service: string;
  readonly version: number;
  /** Null: all of the keys. */
  readonly canaryPpm: number | null;
  /** The version that answered when the change was judged. */
  readonly liveBefore: number;
  readonly atMs: number;
  readonly author: string;
  readonly reason: string | null;
  readonly evidence: object;
}

/**
 * The history of releases, a row for each change; the newest row of a service is what holds. Each
 * change is one transaction that reads what held before, so that two at once come one after the
 * other.
 */
export class ReleaseBook {
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** The number of the newest change, 0 before the first: what a server looks at. */
  async newestId(): Promise<number> {
    const row = await this.#db
      .selectFrom('releases')
      .select((of) => of.fn.max('id').as('newest'))
      .executeTakeFirst();
    return row?.newest ?? 0;
  }

  /** What holds now, for every service that something was published of. */
  async current(): Promise<Release[]> {
    const rows = await this.#db
      .selectFrom('releases')
      .selectAll()
      .where('id', 'in', (newest) =>
        newest
          .selectFrom('releases')
          .select((of) => of.fn.max('id').as('id'))
          .groupBy('service'),
      )
      .orderBy('service')
      .execute();
    return rows.map(releaseOf);
  }

  async of(service: string): Promise<Release | null> {
    const row = await this.#db
      .selectFrom('releases')
      .selectAll()
      .where('service', '=', service)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : releaseOf(row);
  }

  /** All changes of a service, or of all, the newest first. */
  async history(service: string | null = null): Promise<Release[]> {
    const all = this.#db.selectFrom('releases').selectAll().orderBy('id', 'desc');
    const rows = await (service === null ? all : all.where('service', '=', service)).execute();
    return rows.map(releaseOf);
  }

  /**
   * Makes a version live, or the canary of a share of the keys.
   * @throws AsofError `run_conflict` if another version became live since the change was judged
   */
  publish(change: ReleaseChange): Promise<Release> {
    const { service, version, canaryPpm, liveBefore } = change;
    return inTransaction(this.#db, async (db) => {
      const book = new ReleaseBook(db);
      const now = await book.of(service);
      const live = now?.live ?? liveBefore;
      if (live !== liveBefore) {
        const text = `${service}@${live} was published meanwhile; it was ${service}@${liveBefore}.`;
        throw new AsofError('run_conflict', text, { remedy: 'Look at it, and publish again.' });
      }
      if (canaryPpm !== null) {
        const before = now?.before ?? null;
        return book.#add(change, { action: 'canary', live, before, canary: version, canaryPpm });
      }
      const before = live === version ? (now?.before ?? null) : live;
      return book.#add(change, {
        action: 'publish',
        live: version,
        before,
        canary: null,
        canaryPpm: 0,
      });
    });
  }

  /**
   * Back to what was live before: ends a canary, else makes the version live that was so before.
   * Answers null where nothing was before.
   */
  rollback(
    change: Pick<ReleaseChange, 'service' | 'atMs' | 'author' | 'reason'>,
  ): Promise<{ readonly release: Release; readonly from: number } | null> {
    return inTransaction(this.#db, async (db) => {
      const book = new ReleaseBook(db);
      const now = await book.of(change.service);
      if (now === null) return null;
      const rest = { action: 'rollback', canary: null, canaryPpm: 0 } as const;
      const evidence = {};
      if (now.canary !== null) {
        const { live, before } = now;
        const release = await book.#add({ ...change, evidence }, { ...rest, live, before });
        return { release, from: now.canary };
      }
      if (now.before === null) return null;
      const before = (await book.#lives(change.service)).at(-3) ?? null;
      const next = { ...rest, live: now.before, before };
      const release = await book.#add({ ...change, evidence }, next);
      return { release, from: now.live };
    });
  }

  /** The versions that were live one after the other, without those that were rolled back. */
  async #lives(service: string): Promise<number[]> {
    const lives: number[] = [];
    let hadCanary = false;
    for (const one of (await this.history(service)).toReversed()) {
      if (lives.length === 0 && one.before !== null) lives.push(one.before);
      if (one.action === 'rollback' && !hadCanary) lives.pop();
      else if (lives.at(-1) !== one.live) lives.push(one.live);
      hadCanary = one.canary !== null;
    }
    return lives;
  }

  async #add(
    change: Pick<ReleaseChange, 'service' | 'atMs' | 'author' | 'reason' | 'evidence'>,
    next: Pick<Release, 'action' | 'live' | 'before' | 'canary' | 'canaryPpm'>,
  ): Promise<Release> {
    const { service, atMs, author, reason } = change;
    const evidence = canonicalJson(change.evidence);
    const { canaryPpm, ...versions } = next;
    await noteChange(this.#db, 'releases');
    const { id } = await this.#db
      .insertInto('releases')
      .values({
        ...versions,
        service,
        author,
        reason,
        evidence,
        canary_ppm: canaryPpm,
        at_ms: atMs,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id, service, atMs, author, reason, evidence, ...next };
  }
}

function releaseOf(row: Selectable<ReleasesTable>): Release {
  const { id, service, action, live, before, canary, author, reason, evidence } = row;
  return {
    id,
    service,
    action: action === 'canary' || action === 'rollback' ? action : 'publish',
    live,
    before,
    canary,
    canaryPpm: row.canary_ppm,
    atMs: row.at_ms,
    author,
    reason,
    evidence,
  };
}
