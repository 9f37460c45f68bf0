import { noteChange } from './changes.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';

/** A version that is read beside the live one of its service, and never answered. */
export interface Shadow {
  readonly service: string;
  readonly shadow: number;
  /** Of the rows that the live version answers, in millionths. */
  readonly samplePpm: number;
  readonly startedMs: number;
  readonly author: string;
}

/** Which versions are read in the shadow; the newest row of a service is what holds. */
export class ShadowBook {
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** The number of the newest change, 0 before the first: what a server looks at. */
  async newestId(): Promise<number> {
    const row = await this.#db
      .selectFrom('shadows')
      .select((of) => of.fn.max('id').as('newest'))
      .executeTakeFirst();
    return row?.newest ?? 0;
  }

  /** What holds now, by service. */
  async current(): Promise<Shadow[]> {
    const rows = await this.#db
      .selectFrom('shadows')
      .selectAll()
      .where('id', 'in', (newest) =>
        newest
          .selectFrom('shadows')
          .select((of) => of.fn.max('id').as('id'))
          .groupBy('service'),
      )
      .orderBy('service')
      .execute();
    return rows.flatMap(({ service, version, sample_ppm, at_ms, author }) =>
      version === null
        ? []
        : [{ service, shadow: version, samplePpm: sample_ppm, startedMs: at_ms, author }],
    );
  }

  /** Begins anew, whatever was read in the shadow of this service before. */
  async start(shadow: Shadow): Promise<void> {
    const { service, samplePpm, startedMs, author } = shadow;
    const row = { service, version: shadow.shadow, sample_ppm: samplePpm };
    await inTransaction(this.#db, async (db) => {
      await db
        .insertInto('shadows')
        .values({ ...row, at_ms: startedMs, author })
        .execute();
      await noteChange(db, 'shadows');
    });
  }

  /** Answers what was read until now, or null where nothing was. */
  stop(service: string, atMs: number, author: string): Promise<Shadow | null> {
    return inTransaction(this.#db, async (db) => {
      const book = new ShadowBook(db);
      const now = (await book.current()).find((one) => one.service === service) ?? null;
      if (now === null) return null;
      const row = { service, version: null, sample_ppm: 0, at_ms: atMs, author };
      await db.insertInto('shadows').values(row).execute();
      await noteChange(db, 'shadows');
      return now;
    });
  }
}
