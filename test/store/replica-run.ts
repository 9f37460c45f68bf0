import { join } from 'node:path';
import { CircuitBreaker } from '../../src/base/circuit-breaker.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { nextTurn } from '../../src/base/pause.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { OnlinePlan } from '../../src/plan/online-form.ts';
import type { ProjectPlan, ServicePlan } from '../../src/plan/plan.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { objectSink } from '../../src/serve/object-sink.ts';
import type { PrimaryRows } from '../../src/store/primary-rows.ts';
import { ReplicaStore } from '../../src/store/replica-store.ts';
import type { RowStore } from '../../src/store/row-store.ts';
import { StorePublisher } from '../../src/stream/store-publisher.ts';
import { type OracleKey, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from '../conformance/answers.ts';
import { generateDefinitions, SERVICE } from '../conformance/generate-definitions.ts';
import { generatePushes } from '../conformance/generate-events.ts';
import { sentRow } from '../conformance/generate-on-demand.ts';
import { keyOf } from '../conformance/keys.ts';
import { Platform } from '../conformance/platform.ts';
import { bodyOf } from '../conformance/push-forms.ts';
import type { Tally } from '../conformance/tally.ts';
import { edgeAfter, randomEvent } from '../conformance/times.ts';
import { UnsteadyRows } from './unsteady-rows.ts';

export interface ReplicaCase {
  readonly seed: number;
  readonly folder: string;
  readonly tally: Tally;
  /** What the publisher writes to, and what readers read from: of one store. */
  readonly writer: RowStore;
  readonly reader: RowStore;
  readonly isSlow: boolean;
  /** Some keys only of random groups are published. */
  readonly isSelective?: boolean;
}

/**
 * A random project and its events through engine, publisher and store, with failures of the store,
 * restarts and new definitions; every answer of a reader is held to the oracle at its own position.
 */
export async function runReplica(one: ReplicaCase): Promise<void> {
  const run = new ReplicaRun(one);
  try {
    await run.play();
  } finally {
    run.end();
  }
}

class ReplicaRun {
  readonly #case: ReplicaCase;
  readonly #random: Random;
  readonly #clock: ManualClock;
  readonly #whole: ProjectPlan;
  readonly #platform: Platform;
  readonly #pushes;
  #writer: UnsteadyRows;
  #publisher: StorePublisher;
  #oracle: PlatformOracle;
  #replica: ReplicaStore;
  #server: FeatureServer;
  #restarts = 0;
  /** Keys to be asked for again. */
  #asked: OracleKey[] = [];
  /** Whether the primary had a row for everything that the last answer read. */
  #isWhole = false;
  /** Reads that the primary did not answer. */
  #away = 0;

  constructor(one: ReplicaCase) {
    this.#case = one;
    const random = seededRandom(Math.imul(one.seed, 1_000_003) + 77);
    this.#random = random;
    const generated = generateDefinitions(seededRandom(one.seed));
    this.#whole = compileProject(generated.whole);
    const first = compileProject(generated.first);
    this.#pushes = generatePushes(seededRandom(one.seed), this.#whole.sources);
    this.#clock = new ManualClock(this.#pushes[0]?.nowMs ?? 0);
    const declares = this.#whole.sources.every(({ arrivalTime }) => arrivalTime !== null);
    this.#writer = new UnsteadyRows(one.writer, random, 40, true);
    this.#publisher = this.#newPublisher();
    this.#platform = new Platform(random.below(3) === 0 ? first : this.#whole, {
      random,
      clock: this.#clock,
      clockMode: declares && random.below(2) === 0 ? 'arrival' : 'wall',
      doorLagMs: () => 0,
      stateFolder: join(one.folder, 'state'),
      doorLimits: {},
      segmentBytes: 3_000,
      serveLogOf: () => null,
      onRestored: (restored) => {
        const selected = one.isSelective ? this.#select(restored.groups) : new Map();
        this.#publisher.attach({ ...restored, history: 'dir.1', selected });
      },
    });
    this.#oracle = new PlatformOracle(this.#platform.plan, this.#platform.events);
    [this.#replica, this.#server] = this.#newReader();
  }

  async play(): Promise<void> {
    await this.#platform.openDoor();
    await this.#platform.openEngine();
    this.#publisher.begin();
    for (const push of this.#pushes) {
      this.#clock.advanceTo(push.nowMs);
      await this.#platform.ingestor
        .push(push.source.name, bodyOf(this.#random, push))
        .catch(() => {});
      await this.#step();
    }
    this.#platform.apply();
    if (this.#platform.plan !== this.#whole) await this.#reopen('close');
    this.#platform.apply();
    this.#writer.failEvery = 0;
    this.#publisher.poke();
    await this.#publisher.settled();
    for (let i = 0; i < 5; i++) {
      const commit = await this.#ask();
      if (this.#case.isSelective) await this.#replica.cold.tell(Number.POSITIVE_INFINITY);
      const { applied } = this.#platform.engine.store;
      this.#case.tally.compare('stream', commit, applied.commit, () => 'the last position');
      this.#clock.advanceTo(edgeAfter(this.#random, this.#oracle, this.#clock.nowMs(), 1e15));
    }
    await this.#publisher.close();
    await this.#platform.end('kill');
  }

  end(): void {
    this.#publisher.suspend();
    this.#writer.isDead = true;
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const platform = this.#platform;
    while (platform.waiting.length > 0) {
      platform.apply(1 + random.below(platform.waiting.length));
      this.#publisher.poke();
      for (let i = random.below(12); i > 0; i--) await nextTurn();
      const often = this.#case.isSelective ? 4 : 1;
      for (let i = 0; i < often; i++) if (random.below(3) === 0) await this.#ask();
      if (random.below(6) === 0) await platform.engine.checkpoint();
    }
    if (random.below(8) === 0) await this.#reopen(random.pick(['close', 'kill']));
    if (random.below(12) === 0) void this.#publisher.rebuild();
    if (random.below(20) === 0) await this.#empty();
    if (random.below(6) === 0) [this.#replica, this.#server] = this.#newReader();
  }

  /** What was in the store is lost. */
  async #empty(): Promise<void> {
    const { writer, tally } = this.#case;
    await writer.clear(await writer.acquire());
    await this.#publisher.rebuild();
    tally.cover('a store that was emptied');
  }

  async #reopen(ending: 'close' | 'kill'): Promise<void> {
    const random = this.#random;
    if (ending === 'close' && random.below(2) === 0) {
      await this.#publisher.detach();
    } else {
      // As a process that dies: nothing that it still does has an effect.
      this.#publisher.suspend();
      this.#writer.isDead = true;
      this.#writer = new UnsteadyRows(this.#case.writer, random, 40, true);
      this.#publisher = this.#newPublisher();
    }
    await this.#platform.closeEngine(ending);
    if (this.#platform.plan !== this.#whole && random.below(2) === 0) {
      this.#platform.plan = this.#whole;
      this.#asked = [];
      this.#oracle = new PlatformOracle(this.#whole, this.#platform.events);
    }
    await this.#platform.openEngine();
    this.#publisher.begin();
    this.#restarts += 1;
    this.#case.tally.cover('a restart of the publisher');
    [this.#replica, this.#server] = this.#newReader();
  }

  /** Answers the position; -1 where there is nothing to read yet. */
  async #ask(): Promise<number> {
    const { plan } = this.#platform;
    const { tally } = this.#case;
    const service = serviceOf(plan);
    const keys = this.#keys(service);
    const rows = keys.map((key) => sentRow(service, key));
    await this.#replica.look(Number.POSITIVE_INFINITY);
    if (this.#replica.missing.length > 0) {
      tally.cover('a store that is not there yet');
      return -1;
    }
    const request = { service: SERVICE, version: undefined, model: undefined, rows };
    const before = this.#away;
    this.#isWhole = false;
    const cold = this.#replica.cold.asked;
    const response = await this.#server.read(request, objectSink);
    if (this.#isWhole && this.#asked.length < 4) this.#asked.push(...keys);
    // What became of a group meanwhile may have left it without a head.
    if (this.#replica.missing.length > 0) return -1;
    checkAnswer(tally, 'stream', this.#oracle, response, keys, this.#away > before);
    if (this.#replica.cold.asked === cold && this.#case.isSelective) {
      tally.cover('an answer of a store of some keys');
    }
    if (response.position.commit > 0) tally.cover('an answer of a replica');
    const { commit } = this.#platform.engine.store.applied;
    if (response.position.commit < commit) tally.cover('an answer that is behind');
    return response.position.commit;
  }

  /** Of a store of some keys: a few again and again, as those that nobody had read are not in it. */
  #keys(service: ServicePlan): OracleKey[] {
    const random = this.#random;
    const { plan } = this.#platform;
    const again = this.#asked.length > 0 ? random.pick(this.#asked) : null;
    if (this.#case.isSelective && again !== null && random.below(5) > 0) return [again];
    return Array.from({ length: 1 + random.below(4) }, () => {
      const event = random.below(3) === 0 ? null : randomEvent(random, this.#oracle);
      return keyOf(random, plan, service, event);
    });
  }

  #newReader(): [ReplicaStore, FeatureServer] {
    const { plan, options } = this.#platform;
    const rows = new UnsteadyRows(this.#case.reader, this.#random, 0, this.#case.isSlow);
    const capacity = 1 + this.#random.below(30);
    const replica = new ReplicaStore(rows, plan.groups, capacity, undefined, this.#primary);
    const { clockMode } = options;
    const server = new FeatureServer({ plan, store: replica, clock: this.#clock, clockMode });
    return [replica, server];
  }

  #select(groups: readonly string[]): Map<string, OnlinePlan> {
    const random = this.#random;
    const some = groups.filter(() => random.below(3) > 0);
    return new Map(some.map((id) => [id, random.pick<OnlinePlan>(['read', { top: 2 }])]));
  }

  /** Of this process, as far away as the store, and away altogether now and then. */
  readonly #primary: PrimaryRows = {
    read: async (asked) => {
      const random = this.#random;
      for (let i = random.below(this.#case.isSlow ? 6 : 2); i > 0; i--) await nextTurn();
      try {
        if (random.below(6) === 0) throw new AsofError('store_timeout', 'The primary is late.');
        const read = this.#publisher.rowsOf(asked);
        this.#case.tally.cover('rows from the primary');
        this.#isWhole = asked.rows.length > 0 && read.rows.every((row) => row !== null);
        for (let i = random.below(this.#case.isSlow ? 6 : 2); i > 0; i--) await nextTurn();
        return read;
      } catch (error) {
        this.#away += 1;
        throw error;
      }
    },
  };

  #newPublisher(): StorePublisher {
    const random = this.#random;
    const writer = this.#writer;
    const pick = (values: readonly number[]): number => random.pick(values);
    return new StorePublisher({
      rows: this.#writer,
      directory: 'dir',
      wallClock: null,
      breaker: new CircuitBreaker({
        ...{ clock: this.#clock, random, failures: 3, openMs: 0, maxOpenMs: 0 },
      }),
      pause: async () => {
        if (writer.isDead) await new Promise(() => {});
        for (let i = 1 + random.below(3); i > 0; i--) await nextTurn();
      },
      turn: nextTurn,
      logger: silentLogger,
      portions: {
        sliceRows: pick([1, 2, 5, 1000]),
        sliceBytes: pick([1, 1e6]),
        buildRows: pick([1, 3, 1000]),
        coldRows: pick([1, 2, 1000]),
        everyMs: 1,
        checkMs: pick([0, 1e9]),
        retiredMs: 0,
        wanted: { keys: pick([2, 1000]), keepMs: pick([1, 10, 1e9]), lookMs: pick([0, 1]) },
      },
    });
  }
}
