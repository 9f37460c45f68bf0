import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { AsofError } from '../base/errors.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { inTransaction } from './registry-file.ts';

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
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** The number of the newest change, 0 before the first: what a server looks at. */
  newestId(): number {
    const row = this.#db.prepare('SELECT max(id) AS newest FROM releases').get();
    return Number(row?.newest ?? 0);
  }

  /** What holds now, for every service that something was published of. */
  current(): Release[] {
    return this.#db
      .prepare(
        `SELECT * FROM releases WHERE id IN (SELECT max(id) FROM releases GROUP BY service)
         ORDER BY service`,
      )
      .all()
      .map(releaseOf);
  }

  of(service: string): Release | null {
    return this.current().find((one) => one.service === service) ?? null;
  }

  /** All changes of a service, or of all, the newest first. */
  history(service: string | null = null): Release[] {
    return this.#db
      .prepare('SELECT * FROM releases WHERE ?1 IS NULL OR service = ?1 ORDER BY id DESC')
      .all(service)
      .map(releaseOf);
  }

  /**
   * Makes a version live, or the canary of a share of the keys.
   * @throws AsofError `run_conflict` if another version became live since the change was judged
   */
  publish(change: ReleaseChange): Release {
    const { service, version, canaryPpm, liveBefore } = change;
    return inTransaction(this.#db, () => {
      const now = this.of(service);
      const live = now?.live ?? liveBefore;
      if (live !== liveBefore) {
        const text = `${service}@${live} was published meanwhile; it was ${service}@${liveBefore}.`;
        throw new AsofError('run_conflict', text, { remedy: 'Look at it, and publish again.' });
      }
      if (canaryPpm !== null) {
        const before = now?.before ?? null;
        return this.#add(change, { action: 'canary', live, before, canary: version, canaryPpm });
      }
      const before = live === version ? (now?.before ?? null) : live;
      return this.#add(change, {
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
  ): { readonly release: Release; readonly from: number } | null {
    return inTransaction(this.#db, () => {
      const now = this.of(change.service);
      if (now === null) return null;
      const rest = { action: 'rollback', canary: null, canaryPpm: 0 } as const;
      const evidence = {};
      if (now.canary !== null) {
        const { live, before } = now;
        const release = this.#add({ ...change, evidence }, { ...rest, live, before });
        return { release, from: now.canary };
      }
      if (now.before === null) return null;
      const before = this.#lives(change.service).at(-3) ?? null;
      const release = this.#add({ ...change, evidence }, { ...rest, live: now.before, before });
      return { release, from: now.live };
    });
  }

  /** The versions that were live one after the other, without those that were rolled back. */
  #lives(service: string): number[] {
    const lives: number[] = [];
    let hadCanary = false;
    for (const one of this.history(service).toReversed()) {
      if (lives.length === 0 && one.before !== null) lives.push(one.before);
      if (one.action === 'rollback' && !hadCanary) lives.pop();
      else if (lives.at(-1) !== one.live) lives.push(one.live);
      hadCanary = one.canary !== null;
    }
    return lives;
  }

  #add(
    change: Pick<ReleaseChange, 'service' | 'atMs' | 'author' | 'reason' | 'evidence'>,
    next: Pick<Release, 'action' | 'live' | 'before' | 'canary' | 'canaryPpm'>,
  ): Release {
    const { service, atMs, author, reason } = change;
    const evidence = canonicalJson(change.evidence);
    const { action, live, before, canary, canaryPpm } = next;
    const { lastInsertRowid } = this.#db
      .prepare(
        `INSERT INTO releases
           (service, action, live, before, canary, canary_ppm, at_ms, author, reason, evidence)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(service, action, live, before, canary, canaryPpm, atMs, author, reason, evidence);
    return { id: Number(lastInsertRowid), service, atMs, author, reason, evidence, ...next };
  }
}

function releaseOf(row: Record<string, SQLOutputValue>): Release {
  const action = String(row.action);
  return {
    id: Number(row.id),
    service: String(row.service),
    action: action === 'canary' || action === 'rollback' ? action : 'publish',
    live: Number(row.live),
    before: row.before === null ? null : Number(row.before),
    canary: row.canary === null ? null : Number(row.canary),
    canaryPpm: Number(row.canary_ppm),
    atMs: Number(row.at_ms),
    author: String(row.author),
    reason: row.reason === null ? null : String(row.reason),
    evidence: String(row.evidence),
  };
}
