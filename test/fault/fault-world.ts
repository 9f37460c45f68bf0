import { present } from '../../src/base/assert.ts';
import { ByteWriter } from '../../src/base/bytes.ts';
import type { Clock } from '../../src/base/clock.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { SimulatedTimers } from '../../src/base/simulated-timers.fixture.ts';
import { string } from '../../src/define/column.ts';
import { service } from '../../src/define/service.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { jsonSink } from '../../src/serve/json-sink.ts';
import { objectSink } from '../../src/serve/object-sink.ts';
import { GuardedRows } from '../../src/store/guarded-rows.ts';
import { ReplicaStore } from '../../src/store/replica-store.ts';
import type { RowWrite, StoreHead, StoreLease } from '../../src/store/row-store.ts';
import { MemoryRows } from '../../src/store/rows/memory-rows.ts';
import type { ServeLogWriter } from '../../src/store/serve-log.ts';
import { storedGroup } from '../../src/store/stored-groups.ts';
import { eventsOf, type OracleEvent, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import {
  airportDelays,
  flights,
  pilotFlights,
  type Row,
  randomRows,
  routeDelays,
  ServingWorld,
  START_MS,
} from '../serving/world.ts';
import { FaultyRows } from './faulty-rows.ts';

const shared = {
  version: 1,
  features: [
    airportDelays.pick('departures_1h', 'delay_sum', 'late_share', 'last_destination'),
    routeDelays.pick('miles_sum'),
    pilotFlights.all(),
  ],
  request: { note: string().optional() },
} as const;

/** One service for each policy; all answer the same. */
const SERVICES = [
  service('plain', { ...shared }),
  service('skipping', { ...shared, serving: { onFailure: 'skip', timeout: '20ms' } }),
  service('keeping', { ...shared, serving: { onFailure: { lastKnown: '2s' } } }),
  service('strict', { ...shared, serving: { required: ['delay_sum', 'late_share'], accept: [] } }),
  service('lenient', {
    ...shared,
    onDemand: ({ feature }) => ({ miles_each: feature.miles_sum.div(feature.flights_1d) }),
    serving: { required: ['miles_each'], accept: ['default', 'stale', 'missing', 'expired'] },
  }),
];

const EPOCH = 'd.1-1-1';

/** A clock that somebody sets wrong. */
export class JumpingClock implements Clock {
  readonly #timers: SimulatedTimers;
  #offMs = START_MS;

  constructor(timers: SimulatedTimers) {
    this.#timers = timers;
  }

  nowMs(): number {
    return Math.floor(this.#timers.nowMs() + this.#offMs);
  }

  jump(byMs: number): void {
    this.#offMs += byMs;
  }
}

/** An engine, a store with faults between it and a server without one, and an oracle of all. */
export class FaultWorld {
  readonly random: Random;
  readonly timers = new SimulatedTimers();
  readonly clock = new JumpingClock(this.timers);
  readonly engine = new ServingWorld([flights, ...SERVICES]);
  readonly rows = new MemoryRows();
  readonly faulty: FaultyRows;
  readonly guarded: GuardedRows;
  readonly server: FeatureServer;
  readonly oracle: PlatformOracle;
  /** Waits of answers, in ms of the simulated time. */
  readonly waits: number[] = [];
  readonly #events: OracleEvent[] = [];
  readonly #written = new Map<string, string>();
  #lease: StoreLease | null = null;

  constructor(seed: number, serveLog: ServeLogWriter | null = null) {
    this.random = seededRandom(seed);
    const { random, timers } = this;
    this.faulty = new FaultyRows(this.rows, random, timers);
    const store = Object.assign(new MemoryRows(), { read: this.faulty.read.bind(this.faulty) });
    this.guarded = new GuardedRows(store, { timers, random });
    const { plan } = this.engine;
    const replica = new ReplicaStore(this.guarded, plan.groups, 1_000, () => timers.nowMs());
    const { clock } = this;
    this.server = new FeatureServer({ plan, store: replica, clock, serveLog });
    this.oracle = new PlatformOracle(plan, this.#events);
  }

  get services(): readonly string[] {
    return SERVICES.map(({ name }) => name);
  }

  serviceNamed(name: string): ServicePlan {
    const found = this.engine.plan.services.find((one) => one.name === name);
    return present(found, `the service ${name}`);
  }

  /** Events arrive, and are published as one commit. */
  async feed(count: number): Promise<void> {
    const { engine, random } = this;
    const { applied } = engine.store;
    const arrivalMs = Math.max(applied.newestArrivalMs, START_MS + Math.floor(this.timers.nowMs()));
    engine.apply(randomRows(random.below(1e9), count, arrivalMs), arrivalMs);
    const columns = present(engine.plan.sources[0], 'a source').columns.map(({ name }) => name);
    const batch = present(engine.batches.at(-1), 'a batch');
    this.#events.push(...eventsOf(batch, columns));
    await this.#publish();
  }

  async #publish(): Promise<void> {
    this.#lease ??= await this.rows.acquire();
    const { store, plan } = this.engine;
    const writes: RowWrite[] = [];
    for (const { id } of plan.groups) {
      const group = store.group(id);
      for (let row = 0; row < group.table.rowLimit; row++) {
        if (!group.isLive(row)) continue;
        const writer = new ByteWriter();
        group.encodeBody(row, writer);
        const body = writer.bytes().slice();
        const key = group.keyOf(row);
        const text = Buffer.from(body).toString('latin1');
        if (this.#written.get(`${id} ${key}`) === text) continue;
        this.#written.set(`${id} ${key}`, text);
        writes.push({ group: storedGroup(id, EPOCH), key, body, expiresMs: null });
      }
    }
    const { commit } = store.applied;
    await this.rows.write(this.#lease, commit, writes);
    const head: StoreHead = {
      commit,
      position: store.applied.store(),
      groups: plan.groups.map(({ id }) => storedGroup(id, EPOCH)),
    };
    await this.rows.publish(this.#lease, head);
    this.faulty.heads.push(head);
  }

  randomKey(): Row {
    const { random } = this;
    const airport = random.pick(['ATL', 'JFK', 'SFO', 'ORD', 'XXX']);
    return {
      airport,
      from_airport: airport,
      to_airport: random.pick(['ATL', 'JFK', 'SFO']),
      pilot: random.below(4),
    };
  }

  /** An answer as objects and as JSON, which must be the same; and how long each took. */
  async ask(
    name: string,
    rows: readonly Row[],
    timeoutMs?: number,
    denied: ReadonlySet<string> | null = null,
  ): Promise<FeatureResponse> {
    const { timers, server } = this;
    const receivedMs = timers.nowMs();
    const request = {
      ...{ service: name, version: undefined, model: undefined },
      ...{ rows, timeoutMs, receivedMs, denied },
    };
    const response = await timers.until(server.read(request, objectSink));
    this.waits.push(timers.nowMs() - receivedMs);
    return response;
  }

  async askText(name: string, rows: readonly Row[]): Promise<string> {
    const request = { service: name, version: undefined, model: undefined, rows };
    const receivedMs = this.timers.nowMs();
    const bytes = await this.timers.until(this.server.read({ ...request, receivedMs }, jsonSink));
    return bytes.toString('latin1');
  }
}
