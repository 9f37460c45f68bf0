import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { AsofError } from '../../src/base/errors.ts';
import type { RegistryAddress } from '../../src/registry/database.ts';
import { Registry } from '../../src/registry/registry.ts';
import { type ProjectShape, projectOf } from './projects.ts';

/** What a process of its own is to do with a registry. */
export interface Orders {
  readonly address: RegistryAddress;
  readonly steps: readonly ProjectShape[];
  readonly basedOn?: number;
  /** Dies before it runs this statement of its applies, from 1 on; 0: never. */
  readonly dieAt: number;
}

export interface Outcome {
  /** Of each step: the generation, or the code of its refusal. */
  readonly results: readonly (number | string)[];
  readonly statements: number;
}

const orders: Orders = JSON.parse(process.argv[2] ?? 'null');
let statements = 0;
let counts = false;

function count(): void {
  if (!counts) return;
  statements += 1;
  if (statements === orders.dieAt) process.kill(process.pid, 'SIGKILL');
}

const prepare = DatabaseSync.prototype.prepare;
DatabaseSync.prototype.prepare = function counted(sql) {
  count();
  return prepare.call(this, sql);
};
const query = pg.Client.prototype.query;
Object.assign(pg.Client.prototype, {
  query(this: pg.Client, ...given: Parameters<typeof query>) {
    count();
    return Reflect.apply(query, this, given);
  },
});

const registry = await Registry.open(orders.address, { nowMs: () => 5 });
counts = true;
const results: (number | string)[] = [];
for (const shape of orders.steps) {
  const own = { author: `process ${process.pid}`, namespaces: [shape.namespace] };
  const based = orders.basedOn === undefined ? {} : { basedOn: orders.basedOn };
  try {
    const applied = await registry.apply({ plan: projectOf(shape), ...own, ...based });
    results.push(applied.generation);
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    results.push(error.code);
  }
}
counts = false;
await registry.close();
process.stdout.write(JSON.stringify({ results, statements } satisfies Outcome));
