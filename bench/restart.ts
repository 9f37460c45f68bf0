import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { NodeDisk } from '../src/base/node-disk.ts';
import { EventLog } from '../src/ingest/log.ts';
import { diskState } from '../src/store/state-store.ts';
import { neverCheckpoint } from '../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../src/stream/stream-engine.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';
import { ORDERS_PLAN, OrderWriter } from './orders.ts';

const BATCH = 5_000;
/** Events between a checkpoint and the crash. */
const TAIL_EVENTS = 100_000;
const MAKE = '--make';

interface Running {
  readonly log: EventLog;
  readonly engine: StreamEngine;
}

async function start(folder: string): Promise<Running> {
  const disk = new NodeDisk(folder);
  const log = await EventLog.open({ disk, schemas: ORDERS_PLAN.sources, verify: 'tail' });
  const engine = await StreamEngine.open({
    plan: ORDERS_PLAN,
    state: diskState({ disk, folder: 'state' }),
    log,
    history: null,
    clock: systemClock,
    logger: silentLogger,
    policy: neverCheckpoint,
  });
  return { log, engine };
}

async function stop({ log, engine }: Running): Promise<void> {
  await engine.abandon();
  await log.close();
}

async function feed({ log, engine }: Running, writer: OrderWriter, events: number): Promise<void> {
  for (let done = 0; done < events; done += BATCH) {
    for (const batch of await log.append([writer.entry(BATCH)])) engine.apply(batch);
  }
}

/** Makes a data directory as a process leaves it: every user in the state, some events after. */
async function stopped(folder: string, users: number, tail: number): Promise<number> {
  const running = await start(folder);
  const writer = new OrderWriter(20, users, 'in turn');
  await feed(running, writer, users);
  await running.engine.checkpoint();
  // A process that has run for some time has taken more than one.
  await feed(running, writer, BATCH);
  await running.engine.checkpoint();
  await feed(running, writer, tail);
  const { commit } = running.engine.store.applied;
  await stop(running);
  return commit;
}

/** In a process of its own, whose garbage is not collected while the restart is timed. */
function stoppedElsewhere(folder: string, users: number, tail: number): number {
  const args = [import.meta.filename, MAKE, folder, String(users), String(tail)];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function readSequentially(paths: readonly string[]): number {
  const buffer = new Uint8Array(1024 * 1024);
  let bytes = 0;
  for (const path of paths) {
    const file = openSync(path, 'r');
    for (let read = -1; read !== 0; bytes += read)
      read = readSync(file, buffer, 0, buffer.length, null);
    closeSync(file);
  }
  return bytes;
}

/** Time from nothing to serving: after an orderly stop, and with events to apply again. */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const users = options.quick ? 200_000 : 1_000_000;
  return [
    await measure('restart', users, 0, options),
    await measure('restart_replay', users / 10, TAIL_EVENTS, options),
  ];
}

async function measure(
  name: string,
  users: number,
  tail: number,
  options: BenchOptions,
): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-bench-restart-'));
  try {
    const commit = stoppedElsewhere(folder, users, tail);
    const files = filesOf(join(folder, 'state'));
    let running: Running | null = null;
    const halt = async (): Promise<void> => {
      if (running !== null) await stop(running);
      running = null;
    };
    const restart = async (): Promise<void> => {
      running = await start(folder);
      const { engine } = running;
      assert.equal(engine.store.applied.commit, commit);
      assert.equal(engine.metrics.eventsReplayed, tail);
      // It serves: a key that nobody has asked for yet is read from disk.
      assert.ok([...engine.store.groups].some((group) => group.find('user-77') >= 0));
    };
    await restart();
    if (!options.json) options.write(describe(name, running, files));
    await halt();
    const measurement = await compare(
      {
        measure: name,
        unit: 'ms',
        direction: 'time',
        limitName: `reading the state's files from start to end`,
        work: 1,
        per: 1e-3,
        rounds: options.quick ? 5 : 9,
        ours: { prepare: halt, run: restart },
        limit: { run: () => void readSequentially(files) },
      },
      options,
    );
    await halt();
    return measurement;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(name: string, running: Running | null, files: readonly string[]): string {
  assert.ok(running !== null);
  const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
  const { keys } = running.engine.size();
  const { rowsLoaded, eventsReplayed } = running.engine.metrics;
  return `${name}: ${keys} keys, ${bytes} bytes of state, ${eventsReplayed} events replayed, ${rowsLoaded} rows read`;
}

if (import.meta.main) {
  const [command, folder = '', users, tail] = process.argv.slice(2);
  if (command === MAKE) {
    process.stdout.write(String(await stopped(folder, Number(users), Number(tail))));
  } else await run(benchOptions(process.argv.slice(2)));
}
