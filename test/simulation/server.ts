import { requireEveryCommit } from '../../src/app/archiver.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import { DeadLetters } from '../../src/ingest/dead-letters.ts';
import { Ingestor, type IngestorOptions } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { PushBody } from '../../src/ingest/push-body.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import type { ServingClockMode } from '../../src/serve/serving-clock.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import { diskState } from '../../src/store/state-store.ts';
import type { CheckpointThresholds } from '../../src/stream/checkpoint-policy.ts';
import { checkpointPolicy } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import type { SimulatedDisk } from '../../src/testing/simulated-disk.ts';
import type { Life, SimulatedClock, SimulatedTime } from '../../src/testing/simulated-time.ts';
import { SERVICE } from '../conformance/generate-definitions.ts';
import type { SimulatedArchive } from './archive.ts';
import { type Defect, misapplied } from './defects.ts';
import type { Truth } from './truth.ts';

/** What outlives a process. */
export interface Machine {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly servedDisk: SimulatedDisk;
  readonly archive: SimulatedArchive;
  readonly truth: Truth;
  readonly logger: Logger;
  readonly settings: ServerSettings;
  readonly defect: Defect;
  /** A process that can only be ended. */
  readonly onBroken: (error: unknown) => void;
  readonly onApplied: (server: Server) => void;
}

/** Small, so that a few hundred events meet every bound. */
export interface ServerSettings {
  readonly clockMode: ServingClockMode;
  readonly segmentBytes: number;
  readonly pendingBytes: number;
  readonly letterBytes: number;
  readonly stateBytes: number;
  readonly thresholds: CheckpointThresholds;
  readonly sliceBytes: number;
  readonly doorLimits: NonNullable<IngestorOptions['limits']>;
  readonly pollMs: number;
  readonly archiveMs: number;
}

/** What a server does at intervals. */
interface Round {
  readonly periodMs: number;
  readonly work: () => unknown;
  /** Rounds until it waits for the next commit. */
  left: number;
}

const ROUNDS = 3;

/** One process: the parts of the platform, wired as the app wires them, over simulated ports. */
export class Server {
  readonly life: Life;
  readonly engine: StreamEngine;
  readonly plan: ProjectPlan;
  readonly #machine: Machine;
  readonly #log: EventLog;
  readonly #letters: DeadLetters;
  readonly #door: Ingestor;
  readonly #features: FeatureServer;
  readonly #serveLog: ServeLogWriter;
  readonly #rounds: readonly Round[];
  #inside = 0;
  #isClosing = false;

  /** Opens what the machine holds, brings the state up to the log's end, and starts to serve. */
  static async start(machine: Machine, plan: ProjectPlan, life: Life): Promise<Server> {
    const { clock, archive, truth, logger, settings, time } = machine;
    const { segmentBytes, pendingBytes, thresholds, sliceBytes } = settings;
    const disk = machine.disk.mount(life);
    const limits = { segmentBytes, pendingBytes };
    const log = await EventLog.open({ disk, schemas: plan.sources, logger, limits });
    requireEveryCommit(log, archive.through, 'data');
    truth.compare(log, archive.through);
    const letters = new DeadLetters(disk, settings.letterBytes);
    const engine = await StreamEngine.open({
      plan,
      state: diskState({ disk, folder: 'state', segmentBytes: settings.stateBytes }),
      log,
      history: archive,
      clock,
      logger,
      policy: checkpointPolicy(thresholds),
      sliceBytes,
      turn: () => time.wait(0, life),
    });
    return new Server(machine, plan, life, { disk, log, letters, engine });
  }

  private constructor(
    machine: Machine,
    plan: ProjectPlan,
    life: Life,
    parts: { disk: Disk; log: EventLog; letters: DeadLetters; engine: StreamEngine },
  ) {
    const { clock, settings, logger, time, random, truth, defect } = machine;
    const { disk, log, letters, engine } = parts;
    this.#machine = machine;
    this.plan = plan;
    this.life = life;
    this.engine = engine;
    this.#log = log;
    this.#letters = letters;
    this.#door = Ingestor.open({
      disk,
      log,
      sources: plan.sources,
      letters,
      clock,
      arrivalBound: settings.clockMode === 'wall' ? 'clock' : 'none',
      logger,
      limits: settings.doorLimits,
      turn: () => time.wait(0, life),
    });
    this.#door.onCommitted = (batch) => {
      truth.record(batch);
      this.#apply(misapplied(batch, defect));
      this.#wake();
    };
    if (defect.keepsIds === true) log.onFailure = null;
    if (defect.cutsEarly === true) log.cutLimit = () => Number.POSITIVE_INFINITY;
    if (defect.losesLetters === true) letters.append = () => Promise.resolve();
    this.#serveLog = new ServeLogWriter({
      disk: machine.servedDisk.mount(life),
      rate: 1,
      random,
      logger,
      later: (task) => time.after(random.below(100), life, task),
    });
    this.#features = new FeatureServer({
      plan,
      store: engine.store,
      clock,
      clockMode: settings.clockMode,
      serveLog: this.#serveLog,
    });
    this.#rounds = [
      { periodMs: settings.pollMs, work: () => engine.poll(), left: 0 },
      { periodMs: settings.archiveMs, work: () => this.#archive(), left: 0 },
    ];
    this.#wake();
  }

  get letters(): DeadLetters {
    return this.#letters;
  }

  push(source: string, body: PushBody): Promise<PushResult> {
    return this.#enter(() => this.#door.push(source, body));
  }

  readmit(source: string, limit: number): Promise<unknown> {
    return this.#enter(() => this.#door.readmit(source, { limit }));
  }

  get(keys: readonly unknown[]): FeatureResponse {
    return this.#features.get(SERVICE, keys);
  }

  /** A batch that fails half-way breaks the state: nothing is answered from it any more. */
  #apply(batch: EventBatch): void {
    const { life } = this;
    if (life.isOver) throw new CrashError('the process is gone');
    try {
      this.engine.apply(batch);
      this.#machine.onApplied(this);
    } catch (error) {
      this.#machine.onBroken(error);
      throw error;
    }
  }

  /** Lets nobody in any more, waits for those inside, and saves everything, as the app does. */
  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#inside > 0) await this.#machine.time.wait(10, this.life);
    const steps: readonly (() => unknown)[] = [
      () => this.engine.close(),
      () => this.#serveLog.close(),
      () => this.#door.close(),
      () => this.#letters.close(),
      () => this.#log.close(),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        this.#machine.logger.error({ error: String(error) }, 'not saved at the end');
      }
    }
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  async #enter<T>(work: () => Promise<T>): Promise<T> {
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
    }
  }

  /** There is something to do for the rounds; an idle server would only count seconds. */
  #wake(): void {
    for (const round of this.#rounds) {
      const isWaiting = round.left > 0;
      round.left = ROUNDS;
      if (!isWaiting) this.#wait(round);
    }
  }

  #wait(round: Round): void {
    const { time, random } = this.#machine;
    time.after(1 + random.below(round.periodMs), this.life, () => {
      if (this.#isClosing) return;
      round.work();
      round.left -= 1;
      if (round.left > 0) this.#wait(round);
    });
  }

  /** A round of the archiver: what is durable is copied, and what is archived is cut. */
  async #archive(): Promise<void> {
    const { archive, time, random, logger } = this.#machine;
    const throughCommit = this.#log.lastCommit;
    if (throughCommit <= archive.through) return;
    try {
      const batches = [...this.#log.read(archive.through)];
      await time.wait(random.below(1_000), this.life);
      // A round that began before this one may have been slower.
      archive.add(batches.filter(({ commit }) => commit > archive.through));
      if (this.#machine.defect.cutsEarly !== true) this.#door.checkpointForCut();
      this.#log.cutThrough(archive.through);
    } catch (error) {
      logger.error({ error: String(error) }, 'archiving failed; it is tried again');
    }
  }
}
