import { NodeDisk } from '../../base/node-disk.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import { judgedRows, rowSql } from '../../ingest/forget/key-rule.ts';
import { History } from '../../ingest/history.ts';
import { segmentLog } from '../../ingest/history-log.ts';
import { SchemaBook } from '../../ingest/schema-book.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import { countDatasetRows } from './erase-datasets.ts';
import type { ForgetJob } from './job.ts';
import { withRules } from './run.ts';
import { openWorld } from './world.ts';

/** What a run would find; nothing is changed. */
export interface ForgetPreview {
  readonly places: readonly {
    readonly source: string;
    readonly entity: string;
    readonly columns: readonly string[];
  }[];
  readonly sources: readonly {
    readonly source: string;
    readonly rows: number;
    /** Of those, rows that would stay without the person. */
    readonly kept: number;
  }[];
  readonly datasets: readonly {
    readonly name: string;
    readonly number: number;
    readonly rows: number;
  }[];
}

/** Counts what would go, from archive and log. @throws AsofError as `openWorld` */
export async function previewForget(config: Config, job: ForgetJob): Promise<ForgetPreview> {
  const world = await openWorld(config, job);
  const { dataDir } = config;
  const disk = new NodeDisk(dataDir);
  const schemas = new Map(new SchemaBook(disk).all().map((one) => [one.name, one]));
  const history = await History.open({
    ...{ dataDir, log: segmentLog(disk) },
    schemaOf: (source) => schemas.get(source),
  });
  return withRules(world, async (session, rules) => {
    const sources: { source: string; rows: number; kept: number }[] = [];
    for (const rule of rules) {
      const schema = schemas.get(rule.source);
      const sql =
        schema &&
        rowSql(
          rule,
          schema.columns.map(({ name }) => name),
        );
      if (schema === undefined || !sql) continue;
      const events = await history.attach(session.connection, schema);
      const [[rows = 0, kept = 0] = []] = await session.rows(
        `SELECT count(*), count(*) FILTER (__kept) FROM (${judgedRows(sql, events)}) WHERE __gone`,
      );
      await session.run(`DROP VIEW ${events}; DROP TABLE ${sqlName(`tail_${rule.source}`)}`);
      if (Number(rows) > 0) {
        sources.push({ source: rule.source, rows: Number(rows), kept: Number(kept) });
      }
    }
    const task = { dataDir, session, subjects: job.subjects, gone: world.gone };
    const datasets = await withRegistry(config, async (registry) => {
      const found: { name: string; number: number; rows: number }[] = [];
      for (const manifest of await registry.datasets.list()) {
        const plan = await registry.planOf(manifest.generation);
        const rows = await countDatasetRows(task, manifest, plan);
        if (rows > 0) found.push({ name: manifest.name, number: manifest.number, rows });
      }
      return found;
    });
    return { places: world.gone.map(({ place }) => place), sources, datasets };
  });
}
