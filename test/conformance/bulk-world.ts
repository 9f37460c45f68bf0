import { join } from 'node:path';
import type { ManualClock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import { encodeBulk } from '../../src/ingest/bulk-body.ts';
import type { BulkDoor } from '../../src/ingest/bulk-door.ts';
import { History } from '../../src/ingest/history.ts';
import { segmentLog } from '../../src/ingest/history-log.ts';
import type { ProjectPlan, SourcePlan } from '../../src/plan/plan.ts';
import { jsonScalar } from '../../src/schema/json.ts';
import type { Scalar } from '../../src/schema/types.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { eventsOf, type OracleEvent, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { World } from '../import/world.ts';
import { checkAnswer, serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import { sentRow } from './generate-on-demand.ts';
import { keyOf } from './keys.ts';
import type { Engine, Tally } from './tally.ts';
import { randomEvent } from './times.ts';

/** The process has ended in the middle of a chunk. */
export class Died extends Error {}

export interface BulkCase {
  readonly random: Random;
  readonly plan: ProjectPlan;
  readonly clock: ManualClock;
  readonly folder: string;
}

/** A platform that takes many rows at once, whose process may end between any two chunks. */
export class BulkWorld {
  readonly #tally: Tally;
  readonly #engine: Engine;
  readonly #case: BulkCase;
  #world: World;
  /** Where the next chunk ends the process: before it is taken, or before its answer is heard. */
  dies: 'before' | 'after' | null = null;
  /** What others do while a chunk is on its way. */
  beforeTake: () => Promise<void> = async () => {};

  static async open(tally: Tally, engine: Engine, one: BulkCase): Promise<BulkWorld> {
    const { random, plan, clock } = one;
    const world = await World.open(plan, new MemoryDisk(random), clock, random);
    return new BulkWorld(tally, engine, one, world);
  }

  private constructor(tally: Tally, engine: Engine, one: BulkCase, world: World) {
    this.#tally = tally;
    this.#engine = engine;
    this.#case = one;
    this.#world = world;
  }

  get world(): World {
    return this.#world;
  }

  readonly door: BulkDoor = {
    start: (source, run) => this.#world.bulk.start(source, run),
    taken: (source, run) => this.#world.bulk.taken(source, run),
    finish: (source, run) => this.#world.bulk.finish(source, run),
    take: async ({ rows, ...chunk }) => {
      await this.beforeTake();
      this.#die('before');
      const body = encodeBulk(rows, this.sourceOf(chunk.source));
      const result = await this.#world.bulk.take({ ...chunk, body });
      this.#die('after');
      return result;
    },
  };

  #die(when: 'before' | 'after'): void {
    if (this.dies !== when) return;
    this.dies = null;
    throw new Died(when);
  }

  /** Does it again with a new process if the old one ended. */
  async untilDone<T>(work: () => Promise<T>): Promise<T> {
    this.dies = this.#case.random.pick([null, null, null, 'before', 'after']);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.#tally.cover(`${this.#engine}: the process ended ${error.message} a chunk was taken`);
      await this.restart();
      return await work();
    } finally {
      this.dies = null;
    }
  }

  async restart(): Promise<void> {
    this.#world = await this.#world.crash();
  }

  sourceOf(source: string): SourcePlan {
    const found = this.#case.plan.sources.find(({ name }) => name === source);
    if (found === undefined) throw new Error(`no source ${source}`);
    return found;
  }

  history(): Promise<History> {
    return History.open({
      dataDir: join(this.#case.folder, 'no-archive'),
      log: segmentLog(this.#world.disk),
      schemaOf: (name) => this.#case.plan.sources.find((source) => source.name === name),
    });
  }

  /** Everything in the log. */
  events(): OracleEvent[] {
    return [...this.#world.log.read(0)].flatMap((batch) =>
      eventsOf(
        batch,
        this.sourceOf(batch.source).columns.map(({ name }) => name),
      ),
    );
  }

  oracle(): PlatformOracle {
    return new PlatformOracle(this.#case.plan, this.events());
  }

  /** Asks for a few keys now. */
  async ask(): Promise<void> {
    const { random, plan, clock } = this.#case;
    const oracle = this.oracle();
    if (oracle.events.length === 0) return;
    const { store } = this.#world.engine;
    const server = new FeatureServer({ plan, store, clock, clockMode: 'wall', serveLog: null });
    const service = serviceOf(plan);
    const keys = Array.from({ length: 3 }, () =>
      keyOf(random, plan, service, randomEvent(random, oracle)),
    );
    const sent = keys.map((key) => sentRow(service, key));
    checkAnswer(this.#tally, this.#engine, oracle, server.get(SERVICE, sent), keys);
  }

  end(): Promise<void> {
    return this.#world.engine.abandon();
  }
}

/** A row as JSON, with every digit. */
export function rowText(
  columns: SourcePlan['columns'],
  values: Readonly<Record<string, Scalar>>,
): string {
  const cells = columns.map(({ name, type }) => {
    const value = values[name] ?? null;
    // The oracle says a vector as its JSON text.
    const text = type.kind === 'vector' ? String(value) : jsonScalar(value, type);
    // A number of more than 15 digits is no decimal.
    const isText = type.kind === 'decimal' && value !== null;
    return `${JSON.stringify(name)}:${isText ? `"${text}"` : text}`;
  });
  return `{${cells.join(',')}}`;
}
