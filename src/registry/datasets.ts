import type { Selectable } from 'kysely';
import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';
import { type DatasetManifest, parseManifest } from './dataset-manifest.ts';
import type { DatasetsTable } from './tables.ts';

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
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** Takes the next number of a name. */
  begin(
    claim: Omit<DatasetClaim, 'number' | 'state'> & { readonly author: string },
  ): Promise<DatasetClaim> {
    const { name, createdMs, author, generation, throughCommit } = claim;
    return inTransaction(this.#db, async (db) => {
      const newest = await db
        .selectFrom('datasets')
        .select((of) => of.fn.max('number').as('number'))
        .where('name', '=', name)
        .executeTakeFirst();
      const number = (newest?.number ?? 0) + 1;
      const state = 'building';
      await db
        .insertInto('datasets')
        .values({
          ...{ name, number, state, author, generation, manifest: null, deleted_ms: null },
          created_ms: createdMs,
          through_commit: throughCommit,
        })
        .execute();
      return { name, number, state, createdMs, generation, throughCommit };
    });
  }

  /** Makes a number that is being built a dataset. */
  async finish(manifest: DatasetManifest): Promise<void> {
    const { name, number } = manifest;
    const { numUpdatedRows } = await this.#db
      .updateTable('datasets')
      .set({ state: 'live', manifest: canonicalJson(manifest) })
      .where('name', '=', name)
      .where('number', '=', number)
      .where('state', '=', 'building')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 1n) return;
    throw new AsofError('dataset_unavailable', `The dataset ${name}@${number} is not being built.`);
  }

  /** Gives up a number that is being built; its files may go. */
  async abandon(name: string, number: number, atMs: number): Promise<void> {
    await this.#db
      .updateTable('datasets')
      .set({ state: 'deleted', deleted_ms: atMs })
      .where('name', '=', name)
      .where('number', '=', number)
      .where('state', '=', 'building')
      .execute();
  }

  /** The manifest stays; what the dataset held on to is let go. @throws AsofError `unknown_name` */
  async delete(name: string, number: number, atMs: number): Promise<DatasetManifest> {
    const manifest = await this.get(name, number);
    await this.#db
      .updateTable('datasets')
      .set({ state: 'deleted', deleted_ms: atMs })
      .where('name', '=', name)
      .where('number', '=', number)
      .execute();
    return manifest;
  }

  /** Live datasets, of one name or of all, the oldest first. */
  async list(name: string | null = null): Promise<DatasetManifest[]> {
    const all = this.#db
      .selectFrom('datasets')
      .select('manifest')
      .where('state', '=', 'live')
      .orderBy('name')
      .orderBy('number');
    const rows = await (name === null ? all : all.where('name', '=', name)).execute();
    return rows.map((row) => parseManifest(row.manifest ?? 'null'));
  }

  /** A live dataset; the newest of its name without a number. @throws AsofError `unknown_name` */
  async get(name: string, number: number | null = null): Promise<DatasetManifest> {
    const found = await this.list(name);
    const one = number === null ? found.at(-1) : found.find((each) => each.number === number);
    if (one !== undefined) return one;
    const names = [...new Set((await this.list()).map((each) => each.name))];
    const title = number === null ? name : `${name}@${number}`;
    const numbers = found.map((each) => each.number).join(', ');
    const hint = found.length > 0 ? ` There is: ${numbers}.` : didYouMean(name, names);
    throw new AsofError('unknown_name', `There is no dataset ${title}.${hint}`, {
      remedy: 'See `asof dataset list`.',
    });
  }

  /** Every number ever taken, for housekeeping: what is needed and what may go. */
  async claims(): Promise<DatasetClaim[]> {
    const rows = await this.#db
      .selectFrom('datasets')
      .selectAll()
      .orderBy('name')
      .orderBy('number')
      .execute();
    return rows.map(claimOf);
  }
}

function claimOf(row: Selectable<DatasetsTable>): DatasetClaim {
  const { name, number, state, generation } = row;
  return {
    name,
    number,
    state: state === 'live' || state === 'building' ? state : 'deleted',
    createdMs: row.created_ms,
    generation,
    throughCommit: row.through_commit,
  };
}
