import type { FastifyInstance } from 'fastify';
import { present } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { pause } from '../base/pause.ts';
import type { BulkReceiver } from '../ingest/bulk-door.ts';
import { BulkSessions } from '../ingest/bulk-sessions.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { PushResult } from '../ingest/push.ts';
import type { PushBody } from '../ingest/push-body.ts';
import type { PlatformState, PlatformStatus, RegistryStatus } from '../monitor/status.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { RegistrySnapshot } from '../registry/snapshot.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import type { StreamEngine } from '../stream/stream-engine.ts';
import { bulkReceiver } from './bulk-receiver.ts';
import { requireClockFits } from './clock-rule.ts';
import type { Config } from './config.ts';
import { readTotals } from './cost/read-totals.ts';
import { DataDirectory } from './data-directory.ts';
import { connectorDoor, type DoorWay } from './door-way.ts';
import { endInOrder } from './end-in-order.ts';
import { Forgetting } from './forget/forgetting.ts';
import { type Quiet, quietOf } from './forget/quiet.ts';
import { Gate } from './gate.ts';
import { Housekeeper } from './housekeeper.ts';
import { type Addresses, listenOn, NOWHERE } from './listen-on.ts';
import { Mender } from './mender.ts';
import { NeighborKeeper } from './neighbor-keeper.ts';
import { openDoor } from './open-door.ts';
import { closeEngine, openEngine } from './open-engine.ts';
import { platformFeatures } from './platform-features.ts';
import { platformHttp } from './platform-http.ts';
import { closingSteps, NOTHING, nodeDisk, openParts, type Parts } from './platform-parts.ts';
import { platformStatus } from './platform-status.ts';
import { stateFolder } from './state-folder.ts';
import { Throttle } from './throttle.ts';

const POLL_MS = 1_000;

/** What the registry says of versions, besides their definitions. */
export type ServingFacts = Pick<RegistrySnapshot, 'releases' | 'lifecycle' | 'shadows'>;

/** Everything in one process: the door, the log, the engine, the archive and serving. */
export class Platform {
  readonly #config: Config;
  readonly parts: Parts;
  /** The read path; which versions answer is told to it directly. */
  readonly features: FeatureServer;
  readonly #http: FastifyInstance;
  readonly #pushes = new Gate();
  readonly #throttle: Throttle;
  readonly #way: DoorWay;
  /** Imports and tables, for callers in this process. */
  readonly bulk: BulkReceiver;
  readonly #sessions = new BulkSessions(systemClock);
  #plan: ProjectPlan = NOTHING;
  #engine: StreamEngine | null = null;
  #door: Ingestor | null = null;
  #state: PlatformState = 'replaying';
  #poll: NodeJS.Timeout | null = null;
  readonly #mender: Mender;
  readonly #housekeeper: Housekeeper;
  readonly #neighbors: NeighborKeeper;
  /** Removes people, one run after the other. */
  readonly forgetting: Forgetting;
  /** Where it is reached. */
  addresses: Addresses = NOWHERE;
  /** The metrics of this process with those of its workers. */
  metricsOfAll: (own: string) => Promise<string> = async (own) => own;
  /** What is known of the registry; null where none is followed. */
  registry: () => RegistryStatus | null = () => null;

  private constructor(config: Config, parts: Parts) {
    this.#config = config;
    this.parts = parts;
    this.#throttle = new Throttle(config, parts.log, pause);
    const rebuild = async (): Promise<void> => {
      if (this.forgetting.isPending) await this.forgetting.resume();
      await this.#use(() => this.#plan);
      if (this.#state === 'replaying') this.#state = 'ready';
    };
    this.#way = {
      admit: (source) => this.#throttle.admit(this.#engine, source),
      pass: (work) => this.#pushes.pass(work),
      door: () => present(this.#door, 'the door'),
    };
    const reopen = () => this.#use(() => this.#plan);
    this.bulk = bulkReceiver({ ...this.#way, engine: () => this.#engine, reopen });
    this.#housekeeper = new Housekeeper(config, parts.letters, parts.logger);
    this.#mender = new Mender(rebuild, parts.logger, pause);
    const failed = (why: string): void => this.#mend(why);
    const quietly = <T>(work: (quiet: Quiet) => Promise<T>): Promise<T> => this.#quietly(work);
    this.forgetting = new Forgetting(config, quietly, failed, parts.publisher);
    this.features = platformFeatures(config, parts);
    this.#neighbors = new NeighborKeeper(this.features, parts.logger);
    parts.reads.totals = () => readTotals(this.features);
    this.#http = platformHttp({
      ...{ config, parts, features: this.features, bulk: this.bulk, pushes: this.#pushes },
      forgetting: this.forgetting,
      neighbors: this.#neighbors.neighbors,
      status: () => this.status(),
      plan: () => this.#plan,
      engine: () => this.#engine,
      door: () => this.#door,
      push: (source, body, pinned) => this.#push(source, body, pinned),
      state: () => this.#state,
      metricsOfAll: (own) => this.metricsOfAll(own),
    });
  }

  /**
   * Opens the data directory, listens (not ready yet), and brings the state up to the log's end.
   * @throws AsofError `directory_in_use`, `newer_format`, `corrupt_log`, `corrupt_state`
   */
  static async start(
    config: Config,
    plan: ProjectPlan,
    openDisk: (folder: string) => Disk = nodeDisk,
    directory: DataDirectory = DataDirectory.open(config.dataDir),
    listens = true,
    known: RegistrySnapshot | null = null,
  ): Promise<Platform> {
    const parts = await openParts(config, plan, openDisk, directory, known);
    const platform = new Platform(config, parts);
    if (known !== null) platform.heed(known);
    try {
      if (listens) platform.addresses = await listenOn(platform.#http, config, parts);
      await platform.#exchange(plan);
      await platform.#door?.bulk.settle();
      await platform.forgetting.resume();
      platform.#begin();
      return platform;
    } catch (error) {
      await platform.stop();
      throw error;
    }
  }

  /** Which versions answer, and which are only read beside them, from the next answer on. */
  heed({ releases, lifecycle, shadows }: ServingFacts): void {
    this.features.gate(lifecycle);
    this.features.route(releases);
    this.features.shadow(shadows);
  }

  get url(): string {
    return this.addresses.url;
  }
  /** Events that had to be applied again at the start. */
  get replayedEvents(): number {
    return this.#engine?.metrics.eventsReplayed ?? 0;
  }

  /**
   * Takes another plan into use. Pushes wait for it; reads go on with the state before. What has
   * not changed is kept, new tile groups are built from archive and log.
   */
  use(plan: ProjectPlan): Promise<void> {
    return this.#use(() => plan);
  }

  /** What is to be used is asked once nobody is inside: another plan may have come before. */
  async #use(planNow: () => ProjectPlan): Promise<void> {
    await this.#pushes.whileClosed(async () => {
      const before = this.#plan;
      try {
        await this.#exchange(planNow());
      } catch (error) {
        if (this.#engine === null) {
          await this.#fallBack(before).catch((cause: unknown) => this.#mender.begin(String(cause)));
        }
        throw error;
      }
    });
    this.parts.connectors.use(this.#plan, connectorDoor(this.#way));
  }

  /** Stored events are worked on while nothing comes in; what is read is as it was until then. */
  async #quietly<T>(work: (quiet: Quiet) => Promise<T>): Promise<T> {
    const open = (folder: string): Promise<void> => this.#openEngine(this.#plan, folder);
    const quiet = quietOf(this.#config, this.parts, () => this.#door?.checkpoint(), open);
    const { archiver } = this.parts;
    return this.#pushes.whileClosed(() => archiver.whilePaused(() => work(quiet)));
  }

  /** Without an engine nothing may be answered: what is pushed would not be in it. */
  async #fallBack(plan: ProjectPlan): Promise<void> {
    if (this.#state === 'ready') this.#state = 'replaying';
    await this.#exchange(plan);
    if (this.#state === 'replaying') this.#state = 'ready';
  }

  status(): PlatformStatus {
    return platformStatus({
      plan: this.#plan,
      state: this.#state,
      clock: systemClock,
      engine: this.#engine,
      features: this.features,
      door: this.#door,
      pressure: this.#throttle.status(this.#engine),
      registry: this.registry(),
      neighbors: this.#neighbors.neighbors.status(),
      ...this.parts,
    });
  }

  /** Inside the gate there always is a door: it is exchanged only while the gate is closed. */
  async #push(source: string, body: PushBody, pinned: number | null): Promise<PushResult> {
    await this.#throttle.admit(this.#engine, source);
    return this.#pushes.pass(() => present(this.#door, 'the door').push(source, body, pinned));
  }

  /**
   * Ends requests, saves the state, and frees the directory. What cannot be saved, on a full disk
   * for one, is only a cache of the log: the next start rebuilds it.
   */
  async stop(): Promise<void> {
    const { access, audit, archiver, connectors, listeners, logger } = this.parts;
    await listeners.end(this.#http, this.#state === 'ready');
    this.#state = 'draining';
    if (this.#poll !== null) clearInterval(this.#poll);
    const steps = [
      ...[() => this.#housekeeper.stop(), () => this.#neighbors.stop()],
      ...[() => access.stop(), () => audit.stop(), () => this.#mender.stop()],
      // Definitions that are being exchanged are exchanged first.
      () => this.#pushes.whileClosed(() => Promise.resolve()),
      ...[() => connectors.stop(), () => archiver.stop()],
      () => closeEngine(this.#engine, this.parts),
      ...closingSteps(this.parts, () => this.#door?.close()),
    ];
    await endInOrder(steps, logger);
  }

  /** The log is not cut meanwhile: the new engine may need what the old one had. */
  #exchange(plan: ProjectPlan): Promise<void> {
    return this.parts.archiver.whilePaused(() => this.#openEngine(plan));
  }

  async #openEngine(plan: ProjectPlan, folder = stateFolder(this.parts.disk)): Promise<void> {
    const { log } = this.parts;
    requireClockFits(this.#config.clock, plan);
    await this.parts.tokens.prepare(plan);
    // First what can fail on a full disk and changes nothing then.
    this.#door?.checkpoint();
    log.setSchemas(plan.sources);
    const before = this.#engine;
    this.#engine = null;
    await closeEngine(before, this.parts);
    const engine = await openEngine(this.#config, this.parts, plan, folder);
    const door = await openDoor(this.#config, this.parts, plan, engine, this.#sessions);
    door.onCommitted = (batch) => this.#apply(engine, batch);
    door.refusalOf = (source) => (engine.stops(source) ? () => engine.refusal(source) : null);
    this.#engine = engine;
    this.#door = door;
    this.parts.archiver.beforeCut = () => door.checkpointForCut();
    this.features.use(plan, engine.store);
    this.parts.functions.use(plan);
    this.#neighbors.neighbors.use(plan, engine.store);
    this.#plan = plan;
    this.parts.publisher.begin();
  }

  /**
   * A batch that fails half-way breaks the state: nothing is answered from it any more until it has
   * been built anew. The batch is durable, so its sender is told that it was taken.
   */
  #apply(engine: StreamEngine, batch: EventBatch): void {
    try {
      engine.apply(batch);
      this.parts.publisher.poke();
    } catch (error) {
      if (engine !== this.#engine) return;
      this.parts.publisher.suspend();
      this.#mend(`commit ${batch.commit} could not be applied: ${error}`);
    }
  }

  /** Nothing is answered until the state has been built anew. */
  #mend(why: string): void {
    if (this.#state === 'ready') this.#state = 'replaying';
    this.#mender.begin(why);
  }

  #begin(): void {
    this.#state = 'ready';
    this.parts.archiver.start();
    this.#housekeeper.start();
    this.#neighbors.start();
    this.parts.connectors.use(this.#plan, connectorDoor(this.#way));
    this.#poll = setInterval(() => {
      this.#engine?.poll();
      const damage = this.#engine?.damage ?? null;
      if (damage !== null) this.#mender.begin(damage);
    }, POLL_MS);
    this.#poll.unref();
  }
}
