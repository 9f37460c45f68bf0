import assert from 'node:assert/strict';
import { bulkReceiver } from '../../src/app/bulk-receiver.ts';
import { Gate } from '../../src/app/gate.ts';
import type { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import { count, first, last, max, min, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { countDistinct, lastN, median } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session, sliding } from '../../src/define/window.ts';
import { encodeBulk } from '../../src/ingest/bulk-body.ts';
import type { BulkReceiver } from '../../src/ingest/bulk-door.ts';
import { importingSources } from '../../src/ingest/bulk-note.ts';
import { BulkSessions } from '../../src/ingest/bulk-sessions.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import { diskState } from '../../src/store/state-store.ts';
import { checkpointPolicy } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import type { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { eventsOf, type OracleEvent, PlatformOracle } from '../../src/testing/platform-oracle.ts';

export const MINUTE = 60_000;

/** An event as it happened: whoever takes it, live or as history, must take just this. */
export interface TrueEvent {
  readonly id: string;
  readonly who: string;
  readonly amount: number;
  readonly atMs: number;
  readonly arrivalMs: number;
}

export function planOf(withIds: boolean): ProjectPlan {
  const clicks = stream('clicks', {
    columns: { id: string(), who: string(), amount: int64(), at: timestamp() },
    eventTime: 'at',
    allowedLateness: '10m',
    ...(withIds ? ({ id: 'id', dedupeHorizon: '1h', partitions: 2 } as const) : {}),
  });
  const uses = view('uses', {
    version: 1,
    source: clicks,
    entity: entity('person', { keys: { who: string() } }),
    key: { who: 'who' },
    features: (click) => ({
      visit: count().over(session('20m')),
      visit_sum: sum(click.amount).over(session('20m')),
      visit_first: first(click.amount).over(session('20m')),
      hour: sum(click.amount).over(sliding('1h')),
      quarter: count().over(sliding('15m', { exact: true })),
      least: min(click.amount).over(sliding('3h')),
      greatest: max(click.amount).over(lifetime()),
      first: first(click.amount).over(lifetime()),
      last: last(click.amount).over(sliding('2h')),
      newest: lastN(click.id, 4).over(lifetime()),
      distinct: countDistinct(click.amount, { exactUpTo: 8 }).over(sliding('3h')),
      middle: median(click.amount).over(lifetime()),
    }),
  });
  return compileProject([clicks, uses, service('people', { version: 1, features: [uses.all()] })]);
}

/** The door, the log and the engine as the platform wires them, over a disk that can crash. */
export class World {
  readonly plan: ProjectPlan;
  readonly clock: ManualClock;
  readonly #random: Random;
  readonly #gate = new Gate();
  disk: MemoryDisk;
  log: EventLog;
  door: Ingestor;
  engine: StreamEngine;
  bulk: BulkReceiver;
  #sessions: BulkSessions;
  #features: FeatureServer;
  /** How often the engine was opened for an import. */
  reopened = 0;

  static async open(plan: ProjectPlan, disk: MemoryDisk, clock: ManualClock, random: Random) {
    const log = await EventLog.open({ disk, schemas: plan.sources });
    const sessions = new BulkSessions(clock);
    const { engine, door } = await openServing(plan, disk, log, clock, sessions, random);
    return new World({ plan, disk, log, clock, random, sessions, engine, door });
  }

  private constructor(parts: {
    readonly plan: ProjectPlan;
    readonly disk: MemoryDisk;
    readonly log: EventLog;
    readonly clock: ManualClock;
    readonly random: Random;
    readonly sessions: BulkSessions;
    readonly engine: StreamEngine;
    readonly door: Ingestor;
  }) {
    const { plan, disk, log, clock, random, sessions, engine, door } = parts;
    this.plan = plan;
    this.disk = disk;
    this.log = log;
    this.clock = clock;
    this.#random = random;
    this.#sessions = sessions;
    this.engine = engine;
    this.door = door;
    this.bulk = bulkReceiver({
      admit: () => Promise.resolve(),
      pass: (work) => this.#gate.pass(work),
      door: () => this.door,
      engine: () => this.engine,
      reopen: () => this.#reopen(),
    });
    this.#features = new FeatureServer({
      plan,
      store: engine.store,
      clock,
      clockMode: 'wall',
      serveLog: new ServeLogWriter({ disk, rate: 0, random, logger: silentLogger }),
    });
  }

  async #reopen(): Promise<void> {
    this.reopened += 1;
    await this.#gate.whileClosed(async () => {
      this.door.checkpoint();
      await this.engine.close();
      const parts = [this.plan, this.disk, this.log, this.clock, this.#sessions] as const;
      const { engine, door } = await openServing(...parts, this.#random);
      this.engine = engine;
      this.door = door;
      this.#features.use(this.plan, engine.store);
    });
  }

  async crash(): Promise<World> {
    await this.engine.abandon();
    const disk = this.#random.below(2) === 0 ? this.disk.afterCrash() : this.disk.afterKill();
    const world = await World.open(this.plan, disk, this.clock, this.#random);
    await world.door.bulk.settle();
    world.reopened = this.reopened;
    return world;
  }

  /** Every feature of these keys, as served now, is what the log says. */
  check(people: readonly string[]): void {
    const response = this.#features.get(
      'people',
      people.map((who) => ({ who })),
    );
    const events = this.events();
    const oracle = new PlatformOracle(this.plan, events);
    const [served] = this.plan.services;
    assert.ok(served !== undefined);
    const { commit: position } = response.position;
    for (const [i, who] of people.entries()) {
      const expected = oracle.service(
        served,
        { who },
        response.asOfMs,
        ({ commit }) => commit <= position,
      );
      const values = response.rows[i]?.values ?? {};
      for (const [name, { value }] of expected) {
        const what = `${name} of ${who} at ${response.asOfMs}, commit ${position}`;
        assert.deepEqual(values[name], value, what);
      }
    }
  }

  events(): OracleEvent[] {
    const names = this.plan.sources[0]?.columns.map(({ name }) => name) ?? [];
    return [...this.log.read(0)].flatMap((batch) => eventsOf(batch, names));
  }

  async pushLive(event: TrueEvent): Promise<void> {
    this.clock.advanceTo(event.arrivalMs);
    const { id, who, amount, atMs } = event;
    await this.door.push('clicks', [{ id, who, amount, at: atMs }]);
  }

  bodyOf(rows: readonly TrueEvent[]): Uint8Array {
    const [schema] = this.plan.sources;
    assert.ok(schema !== undefined);
    const lines = rows.map(({ id, who, amount, atMs }) =>
      JSON.stringify({ id, who, amount, at: atMs }),
    );
    const arrivalTimeMs = Float64Array.from(rows, ({ arrivalMs }) => arrivalMs);
    const bytes = Buffer.from(lines.join('\n'));
    return encodeBulk({ count: rows.length, lines: bytes, arrivalTimeMs }, schema);
  }
}

async function openServing(
  plan: ProjectPlan,
  disk: MemoryDisk,
  log: EventLog,
  clock: ManualClock,
  sessions: BulkSessions,
  random: Random,
): Promise<{ engine: StreamEngine; door: Ingestor }> {
  const engine = await StreamEngine.open({
    plan,
    state: diskState({ disk, folder: 'state' }),
    log,
    history: null,
    clock,
    logger: silentLogger,
    policy: checkpointPolicy({ events: 1 + random.below(30), rows: 1_000, afterMs: 1e12 }),
    stateMemoryBytes: random.pick([1, 1e9]),
    importing: importingSources(log.notes),
  });
  const { sources } = plan;
  const door = Ingestor.open({ disk, log, sources, clock, arrivalBound: 'clock', sessions });
  door.onCommitted = (batch) => engine.apply(batch);
  return { engine, door };
}
