import { canonicalJson } from '../plan/canonical.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';
import type { DatasetManifest } from './dataset-manifest.ts';

/** A run that removed somebody; whom, only its record tells, to who knows already. */
export interface ForgottenRun {
  readonly id: string;
  readonly state: 'begun' | 'done';
  readonly startedMs: number;
  readonly finishedMs: number | null;
  readonly author: string;
  /** The record as it was written; null until it is done. */
  readonly record: string | null;
}

/** What a run has changed of a dataset: it cannot be built again to the same bytes. */
export interface ForgottenDataset {
  readonly forgotten: string;
  readonly name: string;
  readonly number: number;
  readonly rowsRemoved: number;
  /** Other rows may hold values that were computed from what is gone. */
  readonly builtOn: boolean;
}

/** What was removed for good, and what can be no more because of it. */
export class ForgottenBook {
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** Known from before anything is touched; again, nothing changes. */
  async begin(run: Pick<ForgottenRun, 'id' | 'startedMs' | 'author'>): Promise<void> {
    await this.#db
      .insertInto('forgotten')
      .values({
        ...{ id: run.id, state: 'begun', author: run.author, record: null },
        started_ms: run.startedMs,
        finished_ms: null,
      })
      .onConflict((row) => row.doNothing())
      .execute();
  }

  async finish(id: string, finishedMs: number, record: object): Promise<void> {
    await this.#db
      .updateTable('forgotten')
      .set({ state: 'done', finished_ms: finishedMs, record: canonicalJson(record) })
      .where('id', '=', id)
      .execute();
  }

  /** The oldest first. */
  async list(): Promise<ForgottenRun[]> {
    const rows = await this.#db.selectFrom('forgotten').selectAll().orderBy('id').execute();
    return rows.map(({ id, state, author, record, started_ms, finished_ms }) => ({
      ...{ id, author, record, startedMs: started_ms, finishedMs: finished_ms },
      state: state === 'done' ? 'done' : 'begun',
    }));
  }

  /** Gives a dataset the manifest of what is left of it, and says that it was more once. */
  async marked(manifest: DatasetManifest, mark: ForgottenDataset): Promise<void> {
    const { name, number, forgotten } = mark;
    await inTransaction(this.#db, async (db) => {
      await db
        .updateTable('datasets')
        .set({ manifest: canonicalJson(manifest) })
        .where('name', '=', name)
        .where('number', '=', number)
        .where('state', '=', 'live')
        .execute();
      await db
        .insertInto('forgotten_datasets')
        .values({
          ...{ forgotten, name, number },
          rows_removed: mark.rowsRemoved,
          built_on: mark.builtOn ? 1 : 0,
        })
        .onConflict((row) => row.doNothing())
        .execute();
    });
  }

  /** Of one dataset, or of all; in order of the runs. */
  async datasets(name: string | null = null, number: number | null = null) {
    const rows = await this.#db
      .selectFrom('forgotten_datasets')
      .selectAll()
      .orderBy('forgotten')
      .orderBy('name')
      .orderBy('number')
      .execute();
    return rows
      .filter((row) => (name ?? row.name) === row.name && (number ?? row.number) === row.number)
      .map(
        (row): ForgottenDataset => ({
          ...{ forgotten: row.forgotten, name: row.name, number: row.number },
          rowsRemoved: row.rows_removed,
          builtOn: row.built_on === 1,
        }),
      );
  }

  /**
   * Rewrites the stored reports that name somebody. Answers how many changed.
   * @param without the report without them, or null where it names nobody
   */
  async eraseReports(without: (report: unknown) => unknown): Promise<number> {
    const rows = await this.#db.selectFrom('validations').select(['id', 'report']).execute();
    let changed = 0;
    for (const { id, report } of rows) {
      const left = without(JSON.parse(report));
      if (left === null) continue;
      await this.#db
        .updateTable('validations')
        .set({ report: canonicalJson(left) })
        .where('id', '=', id)
        .execute();
      changed += 1;
    }
    return changed;
  }
}
