import { present } from '../../src/base/assert.ts';
import type { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { NodeDisk } from '../../src/base/node-disk.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import type { IngestorOptions } from '../../src/ingest/ingestor-options.ts';
import { EventLog } from '../../src/ingest/log.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import type { ServingClockMode } from '../../src/serve/serving-clock.ts';
import type { ServeLogWriter } from '../../src/store/serve-log.ts';
import { diskState } from '../../src/store/state-store.ts';
import { checkpointPolicy, neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import type { EventHistory } from '../../src/stream/event-history.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import type { RestoredState } from '../../src/stream/stream-engine-options.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { eventsOf, type OracleEvent } from '../../src/testing/platform-oracle.ts';
import { splitRandomly } from '../stream/split-randomly.ts';

export interface PlatformOptions {
  readonly random: Random;
  readonly clock: ManualClock;
  readonly clockMode: ServingClockMode;
  /** How far the door's clock lies behind at the moment. */
  readonly doorLagMs: () => number;
  /** Where checkpoints go. */
  readonly stateFolder: string;
  readonly doorLimits: NonNullable<IngestorOptions['limits']>;
  /** Small, so that a log of a few events has several segments. */
  readonly segmentBytes: number;
  /** What keeps the answers under a plan, if anything does. */
  readonly serveLogOf: (plan: ProjectPlan) => ServeLogWriter | null;
  /** Hears of each state before anything of it changes. */
  readonly onRestored?: (restored: RestoredState) => void;
}

/** How a process ends: in order, killed, or with the power gone. */
export type Ending = 'close' | 'kill' | 'crash';

/** The embedded platform over a disk in memory, driven step by step. */
export class Platform {
  readonly options: PlatformOptions;
  /** Everything that is durable, by commit, as the door gave it. */
  readonly batches: EventBatch[] = [];
  readonly events: OracleEvent[] = [];
  /** Durable batches that the engine has not been given yet. */
  waiting: EventBatch[] = [];
  keysEvicted = 0;
  keysSplit = 0;
  keysMerged = 0;
  plan: ProjectPlan;
  disk: MemoryDisk;
  #log: EventLog | null = null;
  #ingestor: Ingestor | null = null;
  #engine: StreamEngine | null = null;
  #server: FeatureServer | null = null;

  constructor(plan: ProjectPlan, options: PlatformOptions) {
    this.plan = plan;
    this.options = options;
    this.disk = new MemoryDisk(options.random);
  }

  get log(): EventLog {
    return present(this.#log, 'the log is open');
  }

  get ingestor(): Ingestor {
    return present(this.#ingestor, 'the door is open');
  }

  get engine(): StreamEngine {
    return present(this.#engine, 'the engine is open');
  }

  get server(): FeatureServer {
    return present(this.#server, 'the server is open');
  }

  /** Opens the log and the door; answers the events found that nobody had been told of. */
  async openDoor(): Promise<OracleEvent[]> {
    const { clock, doorLagMs, doorLimits, segmentBytes } = this.options;
    const { sources } = this.plan;
    const limits = { segmentBytes };
    this.#log = await EventLog.open({ disk: this.disk, schemas: sources, limits });
    this.#ingestor = Ingestor.open({
      disk: this.disk,
      log: this.log,
      sources,
      clock: { nowMs: () => clock.nowMs() - doorLagMs() },
      limits: doorLimits,
    });
    this.#ingestor.onCommitted = (batch) => this.#record(batch);
    const before = this.events.length;
    for (const batch of this.log.read(this.batches.length)) this.#record(batch);
    return this.events.slice(before);
  }

  async openEngine(history: EventHistory | null = null): Promise<void> {
    const { random, clock, clockMode, stateFolder, onRestored } = this.options;
    const events = 1 + random.below(60);
    this.#engine = await StreamEngine.open({
      plan: this.plan,
      state: diskState({ disk: new NodeDisk(stateFolder), folder: 'rows', segmentBytes: 65_536 }),
      log: this.log,
      history,
      clock,
      logger: silentLogger,
      policy:
        random.below(2) === 0
          ? neverCheckpoint
          : checkpointPolicy({ events, rows: 1000, afterMs: 1e15 }),
      // Every other engine has no room: keys go to disk and come back all the time.
      stateMemoryBytes: events % 2 === 0 ? 1 : 1e9,
      sliceBytes: 1 + random.below(2) * random.below(400),
      // No value may depend on which keys are split, and when.
      splitting: splitRandomly(seededRandom(events)),
      ...(onRestored === undefined ? {} : { onRestored }),
    });
    this.waiting = [];
    this.#server = new FeatureServer({
      plan: this.plan,
      store: this.engine.store,
      clock,
      clockMode,
      serveLog: this.options.serveLogOf(this.plan),
    });
  }

  /** Gives the engine the next durable batches. */
  apply(count = this.waiting.length): void {
    for (const batch of this.waiting.splice(0, count)) this.engine.apply(batch);
  }

  async closeEngine(ending: Ending): Promise<void> {
    const engine = this.engine;
    this.keysEvicted += engine.metrics.keysEvicted;
    for (const { name } of this.plan.sources) {
      for (const { splits, merges } of engine.hotKeys(name).values()) {
        this.keysSplit += splits;
        this.keysMerged += merges;
      }
    }
    this.#engine = null;
    if (ending === 'close') await engine.close();
    else await engine.abandon();
  }

  /** Ends the process and leaves the disk as the next one finds it. */
  async end(ending: Ending): Promise<void> {
    await this.closeEngine(ending);
    if (ending === 'close') {
      this.ingestor.close();
      await this.log.close();
    }
    // Whatever of the old process still runs sees the old disk.
    if (ending === 'kill') this.disk = this.disk.afterKill();
    if (ending === 'crash') this.disk = this.disk.afterCrash();
    this.#log = null;
    this.#ingestor = null;
  }

  #record(batch: EventBatch): void {
    const source = present(
      this.plan.sources.find(({ name }) => name === batch.source),
      batch.source,
    );
    this.batches.push(batch);
    const names = source.columns.map(({ name }) => name);
    this.events.push(...eventsOf(batch, names));
    this.waiting.push(batch);
  }
}
