import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { Project } from '../cli/project.ts';

export const IMPORTS = `import { count, csv, decimal, entity, int64, latest, lifetime, ndjson, parquet, query,
  service, string, table, timestamp, view } from 'asof';\n`;

export const orders = (from: string, more = ''): string => `${IMPORTS}
export const orders = table('orders', {
  columns: { shop: string(), price: decimal(2), tier: string().optional(), bought: timestamp() },
  from: ${from}, eventTime: 'bought', assumedDelay: '1h', ${more}
});
export const shop = entity('shop', { keys: { shop: string() } });
export const of_shop = view('of_shop', {
  version: 1, source: orders, entity: shop, key: { shop: 'shop' },
  features: () => ({ orders_ever: count().over(lifetime()) }),
});
export const shops = service('shops', { version: 1, features: [of_shop.all()] });
`;

export const HEADER = 'shop,price,tier,bought\n';
export const LINE = 'a,1.50,gold,2026-01-01T00:00:00Z\n';

/** A project with tables, run by its command line. */
export class World {
  readonly project: Project;

  private constructor(project: Project) {
    this.project = project;
  }

  static async of(t: TestContext, definitions: string): Promise<World> {
    const project = Project.create(t);
    project.write('features.ts', definitions);
    const applied = await project.run(['apply']);
    assert.equal(applied.code, 0, applied.stderr);
    return new World(project);
  }

  /** A file that has stood still for a minute. */
  write(path: string, text: string, ageS = 60): void {
    const real = join(this.project.folder, path);
    mkdirSync(dirname(real), { recursive: true });
    writeFileSync(real, text);
    const atS = Date.now() / 1000 - ageS;
    utimesSync(real, atS, atS);
  }

  async parquet(path: string, select: string): Promise<string> {
    const real = join(this.project.folder, path);
    mkdirSync(dirname(real), { recursive: true });
    const session = await DuckDbSession.open({ threads: 1 });
    await session.run(`COPY (${select}) TO '${real}' (FORMAT parquet)`);
    session.close();
    return real;
  }

  /** The run of the one table, or of all. */
  async run(...args: string[]) {
    const { code, result } = await this.project.json(['materialize', '--all', ...args]);
    const [first] = result.tables ?? [];
    return { code, result, first };
  }

  /** The code and message of what made a run fail, and that it failed. */
  async failure(...args: string[]): Promise<{ code: string; message: string; remedy: string }> {
    const { code, result, first } = await this.run(...args);
    assert.equal(code, 1, JSON.stringify(result));
    return result.error ?? first.error ?? first.failures[0].error;
  }
}
