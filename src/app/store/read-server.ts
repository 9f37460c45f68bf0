import { hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { stopwatchMs, systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { seededRandom } from '../../base/random.ts';
import { processTimers } from '../../base/timers.ts';
import type { AnyListener } from '../../http/any-version.ts';
import { createHttpServer } from '../../http/http-server.ts';
import { createMetrics, type Metrics } from '../../monitor/metrics.ts';
import type { PlatformState, PlatformStatus } from '../../monitor/status.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { RegistrySnapshot } from '../../registry/snapshot.ts';
import { FeatureServer } from '../../serve/feature-server.ts';
import { type Readiness, storeReadiness } from '../../serve/readiness.ts';
import { GuardedRows } from '../../store/guarded-rows.ts';
import { GuardedPrimary } from '../../store/primary-rows.ts';
import { ReplicaStore } from '../../store/replica-store.ts';
import { HotReads } from '../../store/rows/hot-reads.ts';
import type { ServedSink } from '../../store/serve-log.ts';
import type { Config } from '../config.ts';
import { readTotals } from '../cost/read-totals.ts';
import { endInOrder } from '../end-in-order.ts';
import { feastPort } from '../feast/feast-port.ts';
import { packageVersion } from '../package-version.ts';
import { requestLog } from '../platform-http.ts';
import { RegistryFollower } from '../registry-follower.ts';
import { registryWorld } from '../registry-world.ts';
import { HttpPrimary, primaryPlace } from './http-primary.ts';
import { splitRequests } from './local-requests.ts';
import { openRows } from './open-rows.ts';
import { openReadParts, type ReadParts } from './read-parts.ts';
import { readStatus } from './read-status.ts';
import { writesNothing } from './writes-nothing.ts';

export interface ReadOptions {
  /** Takes what this process does not do itself. */
  readonly beyond: AnyListener;
  /** Where the primary is, where that is known; null: settings or the data directory say it. */
  readonly primary: string | null;
  /** Whether it answers for its own status and metrics, or leaves them to the others. */
  readonly tellsOfItself: () => boolean;
  /** Others listen on the same port. */
  readonly sharesPort: boolean;
  /** Its name among those who count reads. */
  readonly part: string;
  /** Takes the sample of answers that `verify` replays; null: nobody does. */
  readonly serveLog: ServedSink | null;
  /** How many answer together, on one port. */
  readonly processes: number;
  /** What else is to be said of how well it does; null where nothing is. */
  readonly reserve: () => string | null;
}

/**
 * A process that answers features and has no engine: definitions from the registry, rows from the
 * online store. It writes nothing but its part of the counts of reads.
 */
export class ReadServer {
  readonly features: FeatureServer;
  readonly metrics: Metrics;
  url = '';
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #rows: GuardedRows;
  readonly #hot: HotReads | null;
  readonly #primary: GuardedPrimary;
  readonly #follower: RegistryFollower;
  readonly #parts: ReadParts;
  readonly #http: FastifyInstance;
  #replica: ReplicaStore;
  #plan: ProjectPlan;
  /** Definitions that are not published yet. */
  #next: { readonly plan: ProjectPlan; readonly replica: ReplicaStore } | null = null;
  #isStopping = false;
  /** When the primary was told last what is read here. */
  #toldMs = stopwatchMs();
  #looking: NodeJS.Timeout | null = null;

  private constructor(
    config: Config,
    plan: ProjectPlan,
    follower: RegistryFollower,
    parts: ReadParts,
    logger: Logger,
    options: ReadOptions,
  ) {
    const store = requireStore(config);
    this.#config = config;
    this.#logger = logger;
    this.#follower = follower;
    this.#parts = parts;
    this.#plan = plan;
    const random = seededRandom(systemClock.nowMs() >>> 0);
    const rows = openRows(config, store, true, logger);
    this.#rows = new GuardedRows(rows, { timers: processTimers, random });
    this.#hot = rows instanceof HotReads ? rows : null;
    const primary = new HttpPrimary(() => primaryPlace(config, options.primary));
    this.#primary = new GuardedPrimary(primary, { timers: processTimers, random });
    this.#replica = this.#replicaOf(plan);
    this.features = new FeatureServer({
      plan,
      store: this.#replica,
      clock: systemClock,
      clockMode: config.clock,
      serveLog: options.serveLog,
      functions: parts.functions.answers,
      tokenizer: () => parts.tokens.tokenizer,
    });
    parts.reads.totals = () => readTotals(this.features);
    const status = (): PlatformStatus => this.status();
    this.metrics = createMetrics(status);
    const { listeners } = parts;
    this.#http = createHttpServer({
      access: parts.access.doorFor(() => this.#plan),
      features: this.features,
      admission: parts.admission.admission,
      ...(config.feast.enabled ? { feast: feastPort(() => this.#plan) } : {}),
      ...writesNothing(() => this.#plan),
      state: () => this.#state(),
      readiness: () => this.#readiness(options.reserve()),
      ...requestLog(config),
      // Of a store that is away, each service says itself what is answered.
      isOpen: () => !this.#isStopping,
      server: (listener) =>
        listeners.serve(splitRequests(listener, options.beyond, options.tellsOfItself)),
      ...{ status, metrics: this.metrics, logger, packageVersion: packageVersion() },
    });
  }

  /** @throws AsofError `store_missing`, `not_applied`, and as the registry and the listening do */
  static async start(config: Config, logger: Logger, options: ReadOptions): Promise<ReadServer> {
    requireStore(config);
    const world = registryWorld(config, { logger, onState: () => {} });
    // What is kept of the registry is kept by the primary.
    const follower = await RegistryFollower.start({ ...world, keep: () => {} });
    try {
      const { snapshot } = follower;
      if (snapshot.applied === null) {
        throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`);
      }
      const { plan } = snapshot.applied;
      const parts = await openReadParts(
        config,
        plan,
        snapshot,
        logger,
        options.part,
        options.processes,
      );
      const server = new ReadServer(config, plan, follower, parts, logger, options);
      server.#heed(snapshot);
      await server.#look();
      await server.#listen(options.sharesPort);
      follower.follow(async (next) => server.#take(next));
      server.#looking = setInterval(() => void server.#look(), LIMITS.replicaHeadMs);
      return server;
    } catch (error) {
      await follower.stop();
      throw error;
    }
  }

  status(): PlatformStatus {
    return readStatus({
      ...{ plan: this.#plan, state: this.#state(), features: this.features },
      ...{
        replica: this.#replica,
        kind: requireStore(this.#config).kind,
        registry: this.#follower.status(),
      },
      admission: this.#parts.admission,
      ...{ guard: this.#rows.status, functions: this.#parts.functions },
      hot: this.#hot?.status ?? null,
    });
  }

  /** Ends requests first; nothing has to be saved. */
  async stop(): Promise<void> {
    const { listeners, access, audit, admission, reads, functions } = this.#parts;
    await listeners.end(this.#http, this.#state() === 'ready');
    this.#isStopping = true;
    if (this.#looking !== null) clearInterval(this.#looking);
    const steps = [
      ...[() => this.#follower.stop(), () => access.stop(), () => audit.stop()],
      ...[() => admission.stop(), () => reads.close(), () => functions.close()],
      () => this.#rows.close(),
    ];
    await endInOrder(steps, this.#logger);
  }

  async #listen(sharesPort: boolean): Promise<void> {
    const { port, host } = this.#config;
    const address = await this.#http.listen({ port, host, ...(sharesPort ? REUSED : {}) });
    await this.#parts.listeners.listenGrpc(host, sharesPort);
    await this.#parts.listeners.listenFeast(host, sharesPort);
    this.url = this.#parts.listeners.isSecure ? address.replace(/^http:/, 'https:') : address;
  }

  /** Ready: the store can be read, speaks, and has all rows that the definitions need. */
  #state(): PlatformState {
    if (this.#isStopping || this.#parts.listeners.isLeaving) return 'draining';
    const { newest, failure, missing } = this.#replica;
    return newest !== null && failure === null && missing.length === 0 ? 'ready' : 'replaying';
  }

  /** Of a store that is away, each service says whether it can be answered. */
  #readiness(reserve: string | null): Readiness {
    const { newest, failure, missing } = this.#replica;
    const found = storeReadiness({
      hasHead: newest !== null,
      isRead: failure === null,
      missingGroups: newest === null ? 0 : missing.length,
      services: this.#plan.services,
    });
    if (reserve === null) return found;
    return { ...found, degraded: found.ready, reasons: [...found.reasons, reserve] };
  }

  #heed({ releases, lifecycle }: RegistrySnapshot): void {
    this.features.gate(lifecycle);
    this.features.route(releases);
  }

  #take(snapshot: RegistrySnapshot): void {
    const plan = snapshot.applied?.plan ?? this.#plan;
    if (plan !== this.#plan && plan !== this.#next?.plan) {
      this.#next = { plan, replica: this.#replicaOf(plan) };
    }
    this.#heed(snapshot);
  }

  #replicaOf({ groups }: ProjectPlan): ReplicaStore {
    return new ReplicaStore(this.#rows, groups, undefined, stopwatchMs, this.#primary);
  }

  /** New definitions are used once all their rows are published; until then those before are. */
  async #look(): Promise<void> {
    const deadlineMs = stopwatchMs() + LIMITS.replicaHeadMs;
    await this.#replica.look(deadlineMs);
    if (stopwatchMs() - this.#toldMs > LIMITS.wantedLookMs) {
      this.#toldMs = stopwatchMs();
      void this.#replica.cold.tell(this.#toldMs + LIMITS.publishCallMs);
    }
    const next = this.#next;
    if (next === null) return;
    try {
      await this.#parts.tokens.prepare(next.plan);
      await next.replica.look(deadlineMs);
      if (next.replica.newest === null || next.replica.missing.length > 0) return;
      this.features.use(next.plan, next.replica);
      this.#parts.functions.use(next.plan);
      this.#plan = next.plan;
      this.#replica = next.replica;
      this.#next = null;
      this.#heed(this.#follower.snapshot);
    } catch (error) {
      this.#logger.error(
        { error: String(error) },
        'new definitions cannot be used; those before stay',
      );
    }
  }
}

const REUSED = { reusePort: true };

function requireStore({ store }: Config): NonNullable<Config['store']> {
  if (store !== null) return store;
  throw new AsofError('store_missing', `${hostname()} has no online store to read from.`);
}
