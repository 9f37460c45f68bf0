import { requireEveryCommit } from '../../src/app/archiver.ts';
import { Gate } from '../../src/app/gate.ts';
import { Throttle } from '../../src/app/throttle.ts';
import type { ConnectorDoor } from '../../src/ingest/connectors/connector-runner.ts';
import { DeadLetters } from '../../src/ingest/dead-letters.ts';
import type { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { PushBody } from '../../src/ingest/push-body.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import type { StreamEngine } from '../../src/stream/stream-engine.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import type { Life } from '../../src/testing/simulated-time.ts';
import { SERVICE } from '../conformance/generate-definitions.ts';
import { Archiving } from './archiving.ts';
import { misapplied } from './defects.ts';
import type { Machine } from './machine.ts';
import { Overflow } from './overflow.ts';
import { Rounds } from './rounds.ts';
import { notReady, type Opened, openServing, type Serving } from './serving.ts';

/** One process: the parts of the platform, wired as the app wires them, over simulated ports. */
export class Server {
  readonly life: Life;
  /** Of those that could not be applied; what was on its way then is answered for by nobody. */
  breaks = 0;
  readonly #machine: Machine;
  readonly #opened: Opened;
  readonly #features: FeatureServer;
  readonly #serveLog: ServeLogWriter;
  readonly #gate = new Gate();
  readonly #throttle: Throttle;
  readonly #overflow: Overflow;
  readonly #rounds: Rounds;
  readonly #archiving: Archiving;
  #serving: Serving;
  /** Null while the definitions are exchanged, as in the app. */
  #engine: StreamEngine | null;
  #isReady = true;
  #isClosing = false;
  #isMending = false;

  /** Opens what the machine holds, brings the state up to the log's end, and starts to serve. */
  static async start(machine: Machine, plan: ProjectPlan, life: Life): Promise<Server> {
    const { archive, truth, logger, settings, time } = machine;
    const { segmentBytes, pendingBytes } = settings;
    const disk = machine.disk.mount(life);
    const limits = { segmentBytes, pendingBytes };
    const log = await EventLog.open({ disk, schemas: plan.sources, logger, limits });
    requireEveryCommit(log, archive.through, 'data');
    truth.compare(log, archive.through);
    const letters = new DeadLetters(disk, settings.letterBytes, () => time.wait(0, life));
    const opened = { machine, life, disk, log, letters };
    const onCommitted = (engine: StreamEngine, batch: EventBatch): void => {
      server.#committed(engine, batch);
    };
    const serving = await openServing(opened, plan, onCommitted);
    const server: Server = new Server(opened, serving);
    return server;
  }

  private constructor(opened: Opened, serving: Serving) {
    const { machine, life, log, letters } = opened;
    const { clock, settings, strain, logger, time, random, defect } = machine;
    this.#machine = machine;
    this.#opened = opened;
    this.#serving = serving;
    this.#engine = serving.engine;
    this.life = life;
    if (defect.keepsIds === true) log.onFailure = null;
    if (defect.cutsEarly === true) log.cutLimit = () => Number.POSITIVE_INFINITY;
    if (defect.losesLetters === true) letters.append = () => Promise.resolve();
    this.#throttle = new Throttle(strain, log, (ms) => time.wait(ms, life));
    this.#overflow = new Overflow(machine);
    this.#archiving = new Archiving(machine, life, log);
    this.#serveLog = new ServeLogWriter({
      disk: machine.servedDisk.mount(life),
      rate: 1,
      random,
      logger,
      later: (task) => time.after(random.below(100), life, task),
    });
    this.#features = new FeatureServer({
      plan: serving.plan,
      store: serving.engine.store,
      clock,
      clockMode: settings.clockMode,
      serveLog: this.#serveLog,
    });
    this.#rounds = new Rounds(machine, life, [
      { periodMs: settings.pollMs, work: () => this.#poll() },
      {
        periodMs: settings.archiveMs,
        work: () => this.#archiving.round(() => this.#serving.door.checkpointForCut()),
      },
    ]);
    this.#rounds.wake();
  }

  /** Of what is answered. */
  get plan(): ProjectPlan {
    return this.#serving.plan;
  }

  /** Of what is answered; while definitions are exchanged one that is closed. */
  get engine(): StreamEngine {
    return this.#serving.engine;
  }

  get letters(): DeadLetters {
    return this.#opened.letters;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isClosing;
  }

  /** What a connector is given. */
  get connectorDoor(): ConnectorDoor {
    return {
      lanes: (source, name) => this.#gate.pass(() => this.#serving.door.lanes(source, name)),
      take: async (source, batch) => {
        return this.#enter(source, batch.rows.length, (door) => door.take(source, batch));
      },
    };
  }

  push(source: string, rows: number, body: PushBody): Promise<PushResult> {
    return this.#enter(source, rows, (door) => door.push(source, body));
  }

  readmit(source: string, limit: number): Promise<unknown> {
    if (!this.#isReady) throw notReady();
    return this.#gate.pass(() => this.#serving.door.readmit(source, { limit }));
  }

  get(keys: readonly unknown[]): FeatureResponse {
    try {
      return this.#features.get(SERVICE, keys);
    } catch (error) {
      this.#rounds.wake();
      throw error;
    }
  }

  async #enter<T>(source: string, rows: number, work: (door: Ingestor) => Promise<T>): Promise<T> {
    if (!this.#isReady) throw notReady();
    this.#overflow.enter(rows, this.#engine === null ? null : this.#serving);
    try {
      await this.#throttle.admit(this.#engine, source);
      return await this.#gate.pass(() => work(this.#serving.door));
    } catch (error) {
      // Whoever comes again needs somebody who has saved the state meanwhile.
      this.#rounds.wake();
      throw error;
    } finally {
      this.#overflow.leave(rows);
    }
  }

  #committed(engine: StreamEngine, batch: EventBatch): void {
    const { truth, defect } = this.#machine;
    truth.record(batch);
    this.#apply(engine, misapplied(batch, defect));
    this.#rounds.wake();
  }

  /** A batch that fails half-way breaks the state: nothing is answered from it any more. */
  #apply(engine: StreamEngine, batch: EventBatch): void {
    if (this.life.isOver) throw new CrashError('the process is gone');
    if (!this.#isReady) throw notReady();
    const { onApplied, onBroken, onHopeless } = this.#machine;
    try {
      engine.apply(batch);
      onApplied(this);
      this.#overflow.applied(this, batch.source, batch.count);
    } catch (error) {
      this.#isReady = false;
      this.breaks += 1;
      onBroken(error);
      if (engine.damage === null) onHopeless();
      throw error;
    }
  }

  #poll(): void {
    this.#engine?.poll();
    const damage = this.#engine?.damage ?? null;
    if (damage === null || this.#isMending) return;
    this.#isMending = true;
    this.#machine.seen('a state that is built anew');
    this.use(this.plan)
      .then(() => {
        this.#isReady = true;
      })
      .catch((error: unknown) => {
        this.#machine.logger.error({ error: String(error) }, 'the state could not be built anew');
        this.#machine.onHopeless();
      })
      .finally(() => {
        this.#isMending = false;
      });
  }

  /** Takes other definitions into use, or the same once more, as the app does. */
  use(plan: ProjectPlan): Promise<void> {
    const before = this.plan;
    return this.#gate.whileClosed(async () => {
      try {
        await this.#exchange(plan);
      } catch (error) {
        if (this.#engine === null) await this.#fallBack(before);
        throw error;
      }
    });
  }

  async #fallBack(plan: ProjectPlan): Promise<void> {
    try {
      await this.#exchange(plan);
    } catch (error) {
      this.#isReady = false;
      this.#machine.onHopeless();
      throw error;
    }
  }

  #exchange(plan: ProjectPlan): Promise<void> {
    return this.#archiving.whilePaused(() => this.#openAnother(plan));
  }

  async #openAnother(plan: ProjectPlan): Promise<void> {
    const { logger } = this.#machine;
    this.#serving.door.checkpoint();
    this.#opened.log.setSchemas(plan.sources);
    const before = this.#engine;
    this.#engine = null;
    await before?.close().catch((error: unknown) => {
      logger.error({ error: String(error) }, 'a checkpoint failed; the log has everything');
    });
    this.#serving = await openServing(this.#opened, plan, (engine, batch) => {
      this.#committed(engine, batch);
    });
    this.#engine = this.#serving.engine;
    this.#overflow.begin();
    this.#features.use(plan, this.#engine.store);
    this.#rounds.wake();
  }

  /** Lets nobody in any more, waits for those inside, and saves everything, as the app does. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#rounds.stop();
    const { log, letters } = this.#opened;
    await this.#gate.whileClosed(async () => {
      const steps: readonly (() => unknown)[] = [
        () => this.#archiving.whilePaused(async () => {}),
        () => this.#engine?.close(),
        () => this.#serveLog.close(),
        () => this.#serving.door.close(),
        () => letters.close(),
        () => log.close(),
      ];
      for (const step of steps) {
        try {
          await step();
        } catch (error) {
          this.#machine.logger.error({ error: String(error) }, 'not saved at the end');
        }
      }
      // Those who wait at the gate wait for a process that is gone.
      this.life.end();
    });
  }
}
