import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { type DatasetManifest, parseManifest } from './dataset-manifest.ts';
import { inTransaction } from './registry-file.ts';

/** What a dataset holds on to while it is built and for as long as it lives. */
export interface DatasetClaim {
  readonly name: string;
  readonly number: number;
  readonly state: 'building' | 'live' | 'deleted';
  readonly createdMs: number;
  /** The plan whose sources it reads. */
  readonly generation: number;
  /** Every event of those sources up to this commit is needed. */
  readonly throughCommit: number;
}

/**
 * Training sets as releases: numbered by name, each with its manifest. A number is taken before
 * anything is written, and becomes a dataset in one step when all of it is there: what a crash
 * leaves between is `building`, holds on to what it reads, and is removed by housekeeping.
 */
export class DatasetBook {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Takes the next number of a name. */
  begin(claim: Omit<DatasetClaim, 'number' | 'state'> & { readonly author: string }): DatasetClaim {
    const { name, createdMs, author, generation, throughCommit } = claim;
    return inTransaction(this.#db, () => {
      const newest = this.#db
        .prepare('SELECT max(number) AS newest FROM datasets WHERE name = ?')
        .get(name);
      const number = Number(newest?.newest ?? 0) + 1;
      this.#db
        .prepare(`INSERT INTO datasets VALUES (?, ?, 'building', ?, ?, ?, ?, NULL, NULL)`)
        .run(name, number, createdMs, author, generation, throughCommit);
      return { name, number, state: 'building', createdMs, generation, throughCommit };
    });
  }

  /** Makes a number that is being built a dataset. */
  finish(manifest: DatasetManifest): void {
    const { name, number } = manifest;
    const { changes } = this.#db
      .prepare(
        `UPDATE datasets SET state = 'live', manifest = ?
         WHERE name = ? AND number = ? AND state = 'building'`,
      )
      .run(canonicalJson(manifest), name, number);
    if (Number(changes) === 1) return;
    throw new AsofError('dataset_unavailable', `The dataset ${name}@${number} is not being built.`);
  }

  /** Gives up a number that is being built; its files may go. */
  abandon(name: string, number: number, atMs: number): void {
    this.#db
      .prepare(
        `UPDATE datasets SET state = 'deleted', deleted_ms = ?
         WHERE name = ? AND number = ? AND state = 'building'`,
      )
      .run(atMs, name, number);
  }

  /** The manifest stays; what the dataset held on to is let go. @throws AsofError `unknown_name` */
  delete(name: string, number: number, atMs: number): DatasetManifest {
    const manifest = this.get(name, number);
    this.#db
      .prepare(
        `UPDATE datasets SET state = 'deleted', deleted_ms = ? WHERE name = ? AND number = ?`,
      )
      .run(atMs, name, number);
    return manifest;
  }

  /** Live datasets, of one name or of all, the oldest first. */
  list(name: string | null = null): DatasetManifest[] {
    return this.#db
      .prepare(
        `SELECT manifest FROM datasets WHERE state = 'live' AND (?1 IS NULL OR name = ?1)
         ORDER BY name, number`,
      )
      .all(name)
      .map((row) => parseManifest(String(row.manifest)));
  }

  /** A live dataset; the newest of its name without a number. @throws AsofError `unknown_name` */
  get(name: string, number: number | null = null): DatasetManifest {
    const found = this.list(name);
    const one = number === null ? found.at(-1) : found.find((each) => each.number === number);
    if (one !== undefined) return one;
    const names = [...new Set(this.list().map((each) => each.name))];
    const title = number === null ? name : `${name}@${number}`;
    const numbers = found.map((each) => each.number).join(', ');
    const hint = found.length > 0 ? ` There is: ${numbers}.` : didYouMean(name, names);
    throw new AsofError('unknown_name', `There is no dataset ${title}.${hint}`, {
      remedy: 'See `asof dataset list`.',
    });
  }

  /** Every number ever taken, for housekeeping: what is needed and what may go. */
  claims(): DatasetClaim[] {
    return this.#db.prepare('SELECT * FROM datasets ORDER BY name, number').all().map(claimOf);
  }
}

function claimOf(row: Record<string, SQLOutputValue>): DatasetClaim {
  const state = String(row.state);
  return {
    name: String(row.name),
    number: Number(row.number),
    state: state === 'live' || state === 'building' ? state : 'deleted',
    createdMs: Number(row.created_ms),
    generation: Number(row.generation),
    throughCommit: Number(row.through_commit),
  };
}
