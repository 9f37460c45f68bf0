import assert from 'node:assert/strict';
import { ManualClock } from '../base/clock.ts';
import type { Pause } from '../base/pause.ts';
import { type Random, seededRandom } from '../base/random.ts';
import {
  type ConnectorDoor,
  ConnectorRunner,
  type ConnectorState,
} from '../ingest/connectors/connector-runner.ts';
import type { SourceConnector } from '../ingest/connectors/source-connector.ts';
import { Ingestor } from '../ingest/ingestor.ts';
import { EventLog } from '../ingest/log.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type FaultPlan, MemoryDisk } from './memory-disk.ts';

const SOURCE = 'contract';
const NAME = 'reader';
/** Looks at the log before a run is given up: far more than any run needs. */
const PATIENCE = 20_000;

/** Rows have a time `at`, a number `n` that no other has, and no id: the position alone decides. */
export const CONTRACT_SCHEMA: SourceSchema = {
  name: SOURCE,
  columns: [
    { name: 'at', type: { kind: 'timestamp' }, optional: false, min: null, max: null },
    { name: 'n', type: { kind: 'int64' }, optional: false, min: null, max: null },
    { name: 'text', type: { kind: 'string' }, optional: true, min: null, max: null },
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: Number.MAX_SAFE_INTEGER,
  maxClockSkewMs: Number.MAX_SAFE_INTEGER,
  dedupeHorizonMs: 0,
  partitions: 3,
};

/** The same with an id, at a door that remembers few of them: it is full until time has passed. */
const NARROW_SCHEMA: SourceSchema = { ...CONTRACT_SCHEMA, id: 'n', dedupeHorizonMs: 60_000 };
const NARROW_LIMITS = { ids: 8, idsKept: 0 };

export interface ContractTools {
  readonly random: Random;
  readonly clock: ManualClock;
  /** Moves the clock instead of waiting. */
  readonly pause: Pause;
}

/** What a connector reads from, as a test plays it. It outlives every crash of the reader. */
export interface ConnectorWorld {
  /** A connector over it, as a new process would make one. */
  connect(): SourceConnector;
  /** Adds rows of these numbers in this order; of a lane of the world's choice. */
  add(numbers: readonly number[]): Promise<void> | void;
  /** Adds one row that can never be accepted; false where the source cannot hold such a one. */
  addPoison(): boolean;
  /** Makes the outside fail for a while, or work again; absent where it cannot fail. */
  setAway?(isAway: boolean): void;
  /** Lets a turn of the world's own time pass; where nothing real is waited for, there is none. */
  turn?(): Promise<void>;
}

/**
 * Runs a connector through a life of crashes, full and failing disks, doors that are full for a
 * while, outages, pauses, stops and poison rows, and then holds it to the port's promise: every row is in the log exactly once, those
 * of a lane in their order, and every poison row once among the dead letters. A failure names its
 * seed, which repeats it.
 */
export async function checkConnector(
  make: (tools: ContractTools) => ConnectorWorld | Promise<ConnectorWorld>,
  seed: number,
  lives = 6,
): Promise<{ readonly rows: number; readonly crashes: number; readonly waits: number }> {
  const random = seededRandom(seed);
  const door: ContractDoor = { isNarrow: random.below(2) === 0, waits: 0 };
  const clock = new ManualClock(1_700_000_000_000);
  const tools = { random, clock, pause: turnPause(clock) };
  const world = await make(tools);
  const label = `seed ${seed}`;
  let disk = new MemoryDisk(random);
  let [added, poison, crashes] = [0, 0, 0];
  for (let life = 0; life < lives; life++) {
    const count = random.below(60);
    await world.add(Array.from({ length: count }, (_, i) => added + i));
    added += count;
    while (random.below(3) === 0 && world.addPoison()) poison += 1;
    if (random.below(4) > 0) disk.failAt(faultFor(random, disk.operations));
    const crashed = await live(disk, world, tools, door);
    disk.failAt();
    world.setAway?.(false);
    if (crashed) crashes += 1;
    disk = random.below(2) === 0 ? disk.afterCrash() : disk.afterKill();
  }
  const { numbers, letters } = await finish({ disk, world, tools, door }, added, poison, label);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    range(added),
    `${label}: rows in the log`,
  );
  assert.equal(letters.length, poison, `${label}: dead letters`);
  assert.equal(new Set(letters).size, poison, `${label}: places of dead letters`);
  return { rows: added, crashes, waits: door.waits };
}

interface ContractDoor {
  readonly isNarrow: boolean;
  /** Batches that were sent back for want of room. */
  waits: number;
}

/** Reads for a while and ends somehow; says whether by a crash of the disk. */
async function live(
  disk: MemoryDisk,
  world: ConnectorWorld,
  tools: ContractTools,
  door: ContractDoor,
): Promise<boolean> {
  const { random } = tools;
  try {
    const { runner } = await begin(disk, world, tools, door);
    runner.start();
    for (let turns = random.below(120); turns > 0; turns--) {
      await (world.turn ?? nextTurn)();
      if (random.below(20) === 0) world.setAway?.(random.below(2) === 0);
      if (random.below(20) === 0) runner.pause();
      if (random.below(5) === 0) runner.resume();
    }
    // Half of the lives end in the middle, as a process that is killed; the others in order.
    if (random.below(2) === 0) disk.failAt({ atOperation: disk.operations + 1, fault: 'crash' });
    await runner.stop();
    return runner.status().problem?.code === 'internal';
  } catch {
    return true;
  }
}

interface Life {
  readonly disk: MemoryDisk;
  readonly world: ConnectorWorld;
  readonly tools: ContractTools;
  readonly door: ContractDoor;
}

async function finish(
  { disk, world, tools, door }: Life,
  rows: number,
  poison: number,
  label: string,
): Promise<{ numbers: number[]; letters: string[] }> {
  const { runner, log, ingestor } = await begin(disk, world, tools, door);
  runner.start();
  const found = () => ({
    numbers: numbersIn(log),
    letters: [...ingestor.letters.list(SOURCE)].map(({ origin }) => origin?.place ?? ''),
  });
  let [now, looks] = [found(), 0];
  while (now.numbers.length < rows || now.letters.length < poison) {
    const { state, problem } = runner.status();
    assert.notEqual(state, 'refused', `${label}: ${problem?.message}`);
    looks += 1;
    assert.ok(looks < PATIENCE, `${label}: ${now.numbers.length} of ${rows} rows came`);
    for (let turns = 0; turns < 20; turns++) await (world.turn ?? nextTurn)();
    now = found();
  }
  await runner.stop();
  const state: ConnectorState = runner.status().state;
  assert.ok(state === 'stopped' || state === 'finished', `${label}: ${state}`);
  return found();
}

async function begin(
  disk: MemoryDisk,
  world: ConnectorWorld,
  { clock, pause, random }: ContractTools,
  narrow: ContractDoor,
) {
  const schemas = [narrow.isNarrow ? NARROW_SCHEMA : CONTRACT_SCHEMA];
  const log = await EventLog.open({ disk, schemas, limits: { segmentBytes: 3_000 } });
  const limits = narrow.isNarrow ? NARROW_LIMITS : {};
  const ingestor = Ingestor.open({ disk, log, sources: schemas, clock, limits });
  const door: ConnectorDoor = {
    lanes: (source, connector) => ingestor.lanes(source, connector),
    // A slow door: a reader that is asked before its batch was taken would show here.
    take: async (source, batch) => {
      for (let turns = random.below(4); turns > 0; turns--) await nextTurn();
      const result = await ingestor.take(source, batch);
      if (result.full === null) busy.delete(batch.lane);
      else narrow.waits += 1;
      return result;
    },
  };
  const busy = new Set<string>();
  const connector = watched(world.connect(), busy);
  const runner = new ConnectorRunner({ name: NAME, source: SOURCE, connector, door, pause });
  return { runner, log, ingestor };
}

/** Fails where a batch is asked for while the one before is under way. */
function watched(connector: SourceConnector, busy: Set<string>): SourceConnector {
  return {
    kind: connector.kind,
    open: async (taken, signal) => {
      const reader = await connector.open(taken, signal);
      busy.clear();
      return {
        progress: () => reader.progress(),
        close: () => reader.close(),
        next: async (most) => {
          assert.equal(busy.size, 0, 'asked for more before the last batch was taken');
          const batch = await reader.next(most);
          const rows = batch?.rows.length ?? 0;
          assert.ok(rows <= most, `a batch has ${rows} rows, where ${most} were asked for`);
          if (batch !== null) busy.add(batch.lane);
          return batch;
        },
      };
    },
  };
}

function faultFor(random: Random, operations: number): FaultPlan {
  const fault = random.pick(['crash', 'crash', 'full', 'io'] as const);
  return { atOperation: operations + 1 + random.below(14), fault, count: 1 + random.below(3) };
}

function numbersIn(log: EventLog): number[] {
  return [...log.read(0)].flatMap(({ columns }) => {
    const column = columns[1];
    return column?.kind === 'number' ? [...column.values] : [];
  });
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function turnPause(clock: ManualClock): Pause {
  return async (durationMs, signal) => {
    signal?.throwIfAborted();
    await nextTurn();
    clock.advanceTo(clock.nowMs() + durationMs);
    signal?.throwIfAborted();
  };
}
