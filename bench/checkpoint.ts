import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { NodeDisk } from '../src/base/node-disk.ts';
import { diskState } from '../src/store/state-store.ts';
import { neverCheckpoint } from '../src/stream/checkpoint-policy.ts';
import type { CheckpointStats } from '../src/stream/checkpointer.ts';
import { StreamEngine } from '../src/stream/stream-engine.ts';
import { type BenchOptions, benchOptions, compare, type Measurement, median } from './harness.ts';
import { ORDERS_PLAN, OrderWriter } from './orders.ts';

const BATCH = 5_000;
/** Orders between two checkpoints, each of another user. */
const CHANGED = 20_000;

/** An engine over as many users, of whom some order between two checkpoints. */
class Growing {
  readonly #engine: StreamEngine;
  readonly #writer: OrderWriter;
  readonly taken: CheckpointStats[] = [];
  #commit = 0;
  #offset = 0;

  private constructor(engine: StreamEngine, users: number) {
    this.#engine = engine;
    this.#writer = new OrderWriter(20, users, 'in turn');
  }

  static async build(folder: string, users: number): Promise<Growing> {
    const engine = await StreamEngine.open({
      plan: ORDERS_PLAN,
      state: diskState({ disk: new NodeDisk(folder), folder: 'state' }),
      log: { firstCommit: 1, lastCommit: 0, read: () => [] },
      history: null,
      clock: systemClock,
      logger: silentLogger,
      policy: neverCheckpoint,
    });
    const growing = new Growing(engine, users);
    growing.feed(users);
    assert.ok(engine.size().keys >= users);
    await engine.checkpoint();
    // Until as much lies dead in the files as is alive nothing has to be moved, and all is cheaper.
    for (let moved = 0; moved === 0; ) {
      growing.change();
      moved = (await engine.checkpoint()).moved;
    }
    return growing;
  }

  /** Orders of users from all over, none of them twice. */
  change(): void {
    this.#writer.jump();
    this.feed(CHANGED);
  }

  feed(events: number): void {
    for (let done = 0; done < events; done += BATCH) {
      this.#commit += 1;
      const entry = this.#writer.entry(BATCH);
      this.#engine.apply({ ...entry, commit: this.#commit, firstOffset: this.#offset });
      this.#offset += BATCH;
    }
  }

  async checkpoint(): Promise<void> {
    this.taken.push(await this.#engine.checkpoint());
  }

  get stateBytes(): number {
    return this.#engine.size().bytes;
  }

  close(): Promise<void> {
    return this.#engine.abandon();
  }
}

/** A checkpoint of the same changes over a state ten times as large. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-bench-checkpoint-'));
  const users = options.quick ? 40_000 : 100_000;
  const open: Growing[] = [];
  try {
    const small = await Growing.build(join(folder, 'small'), users);
    open.push(small);
    const large = await Growing.build(join(folder, 'large'), 10 * users);
    open.push(large);
    const measurement = await compare(
      {
        measure: 'growth',
        unit: 'ms',
        direction: 'time',
        limitName: `the same changes over ${users} keys instead of ${10 * users}`,
        work: 1,
        per: 1e-3,
        rounds: options.quick ? 9 : 31,
        ours: { prepare: () => large.change(), run: () => large.checkpoint() },
        limit: { prepare: () => small.change(), run: () => small.checkpoint() },
      },
      options,
    );
    if (!options.json) for (const each of open) options.write(describe(each));
    return [measurement];
  } finally {
    for (const each of open) await each.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe({ taken, stateBytes }: Growing): string {
  const of = (field: 'rows' | 'moved' | 'bytes'): number => median(taken.map((one) => one[field]));
  return `checkpoint: ${stateBytes} bytes of state; ${of('rows')} rows saved, ${of('moved')} moved, ${of('bytes')} bytes written`;
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
