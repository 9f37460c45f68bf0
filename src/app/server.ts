import { watch } from 'node:fs';
import { dirname } from 'node:path';
import type { PlanDiff } from '../plan/diff.ts';
import type { Applied } from '../registry/registry.ts';
import type { ServiceRoute } from '../serve/release-routes.ts';
import type { Config } from './config.ts';
import { DataDirectory } from './data-directory.ts';
import { Platform } from './platform.ts';
import { nodeDisk } from './platform-parts.ts';
import { appliedPlan, applyProject } from './project.ts';
import { withRegistry } from './with-registry.ts';

/** What a running server tells the command line. */
export interface ServerEvents {
  readonly started: (facts: StartFacts) => void;
  /** Definitions that `dev` applied by itself. */
  readonly applied: (diff: PlanDiff) => void;
  readonly reloaded: (generation: number, groups: BuiltGroups) => void;
  /** Which versions answer requests that name none has changed. */
  readonly released: (routes: readonly ServiceRoute[]) => void;
  /** New definitions that cannot be used; those before stay. */
  readonly refused: (error: unknown) => void;
  readonly stopping: () => void;
}

/** Tile groups that were new: loaded from a backfill, or built from the events. */
export interface BuiltGroups {
  readonly groupsLoaded: number;
  readonly groupsReplayed: number;
}

export interface StartFacts extends BuiltGroups {
  readonly url: string;
  readonly generation: number;
  readonly replayedEvents: number;
  readonly seconds: number;
}

/** Editors write a file in several steps; a reload waits until they are quiet for so long. */
const SETTLE_MS = 200;
const POLL_REGISTRY_MS = 1_000;

/** Runs until SIGINT or SIGTERM; a second signal ends at once. */
export async function runServer(
  config: Config,
  options: { readonly watch: boolean },
  events: ServerEvents,
): Promise<void> {
  const startedMs = Date.now();
  // The lock comes first: whoever does not get it must not change what its holder serves.
  const directory = DataDirectory.open(config.dataDir);
  const applied = await currentPlan(config, options.watch, events).catch((error: unknown) => {
    directory.close();
    throw error;
  });
  const stopped = stopSignal();
  const releases = await currentReleases(config);
  const { routes } = releases;
  const platform = await Platform.start(config, applied.plan, nodeDisk, directory, true, routes);
  await noteTakeover(config, applied.generation, platform, events);
  events.started({
    url: platform.url,
    generation: applied.generation,
    replayedEvents: platform.replayedEvents,
    ...builtGroups(platform),
    seconds: (Date.now() - startedMs) / 1000,
  });
  const reloader = new Reloader(config, platform, applied.generation, releases.id, events);
  const stopWatching = options.watch ? watchDefinitions(config, reloader) : () => {};
  const poll = setInterval(() => void reloader.follow(), POLL_REGISTRY_MS);
  await stopped;
  events.stopping();
  clearInterval(poll);
  stopWatching();
  await reloader.settled();
  await platform.stop();
}

async function currentPlan(
  config: Config,
  applyFirst: boolean,
  events: ServerEvents,
): Promise<Applied> {
  if (applyFirst) events.applied((await applyProject(config, 'asof dev')).diff);
  return appliedPlan(config);
}

/** Resolves at the first signal; the second one ends the process. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (): void => {
      signals += 1;
      if (signals > 1) process.exit(130);
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

/** Brings newly applied definitions into the running platform, one generation after another. */
class Reloader {
  readonly #config: Config;
  readonly #platform: Platform;
  readonly #events: ServerEvents;
  #generation: number;
  #releaseId: number;
  #running: Promise<void> = Promise.resolve();
  /** What was told last: a disk that stays full is looked at every second, and told once. */
  #refusal = '';

  constructor(
    config: Config,
    platform: Platform,
    generation: number,
    releaseId: number,
    events: ServerEvents,
  ) {
    this.#config = config;
    this.#platform = platform;
    this.#generation = generation;
    this.#releaseId = releaseId;
    this.#events = events;
  }

  /** Applies the definitions file as it is now, and takes it over. */
  applyAndFollow(): Promise<void> {
    return this.#inTurn(async () => {
      this.#events.applied((await applyProject(this.#config, 'asof dev')).diff);
      await this.#follow();
    });
  }

  /** Takes over what has been applied, here or by another process. */
  follow(): Promise<void> {
    return this.#inTurn(() => this.#follow());
  }

  settled(): Promise<void> {
    return this.#running;
  }

  async #follow(): Promise<void> {
    await this.#followPlan();
    await this.#followReleases();
  }

  async #followPlan(): Promise<void> {
    const newest = await this.#newest();
    if (newest === null) return;
    // Told once: the next try is for the generation after this one.
    this.#generation = newest.generation;
    await this.#platform.use(newest.plan);
    await noteTakeover(this.#config, newest.generation, this.#platform, this.#events);
    this.#events.reloaded(newest.generation, builtGroups(this.#platform));
  }

  /** Another version answers from one request to the next; both were served before. */
  async #followReleases(): Promise<void> {
    const { id, routes } = await currentReleases(this.#config, this.#releaseId);
    if (id === this.#releaseId) return;
    this.#platform.features.route(routes);
    this.#releaseId = id;
    this.#events.released(routes);
  }

  #newest(): Promise<Applied | null> {
    return withRegistry(this.#config, async (registry) =>
      (await registry.generation()) > this.#generation ? registry.current() : null,
    );
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(work).then(
      () => {
        this.#refusal = '';
      },
      (error: unknown) => {
        if (String(error) !== this.#refusal) this.#events.refused(error);
        this.#refusal = String(error);
      },
    );
    return this.#running;
  }
}

/** What is published now, and the number of the newest change; nothing is read if that is known. */
function currentReleases(
  config: Config,
  knownId = -1,
): Promise<{ readonly id: number; readonly routes: readonly ServiceRoute[] }> {
  return withRegistry(config, async ({ releases }) => {
    const id = await releases.newestId();
    return { id, routes: id === knownId ? [] : await releases.current() };
  });
}

function builtGroups(platform: Platform): BuiltGroups {
  const { groupsLoaded = 0, groupsReplayed = 0 } = platform.status().saved ?? {};
  return { groupsLoaded, groupsReplayed };
}

/** Written down for `publish`: the tiles of this generation are built and caught up. */
async function noteTakeover(
  config: Config,
  generation: number,
  platform: Platform,
  events: ServerEvents,
): Promise<void> {
  try {
    const { commit } = platform.status();
    await withRegistry(config, (registry) => registry.tookOver(generation, commit));
  } catch (error) {
    // Serving needs no note of it; publishing will say that it lacks one.
    events.refused(error);
  }
}

/** Watches the folder of the definitions, as they may import their neighbours. */
function watchDefinitions(config: Config, reloader: Reloader): () => void {
  let timer: NodeJS.Timeout | null = null;
  const watcher = watch(dirname(config.definitions), (_event, file) => {
    if (file === null || !/\.(ts|js|mts|mjs|json)$/.test(file)) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void reloader.applyAndFollow(), SETTLE_MS);
  });
  return () => {
    if (timer !== null) clearTimeout(timer);
    watcher.close();
  };
}
