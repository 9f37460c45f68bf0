import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { AsofError } from '../base/errors.ts';
import type { RegistryStatus } from '../monitor/status.ts';
import { openWarning } from './access/open-warning.ts';
import type { Config } from './config.ts';
import { DataDirectory } from './data-directory.ts';
import { createLogger } from './logger.ts';
import type { Platform } from './platform.ts';
import { isAway, RegistryFollower } from './registry-follower.ts';
import { registryWorld } from './registry-world.ts';
import { builtGroups, developerOf, Reloader } from './reloader.ts';
import type { ServerEvents } from './server-events.ts';
import { startPlatform } from './start-platform.ts';
import { Workers } from './store/run-workers.ts';
import { applyAndTell } from './tell-lineage.ts';

/** Editors write a file in several steps; a reload waits until they are quiet for so long. */
const SETTLE_MS = 200;

/** Runs until SIGINT or SIGTERM; a second signal ends at once. */
export async function runServer(
  config: Config,
  options: { readonly watch: boolean; readonly workers?: number },
  events: ServerEvents,
): Promise<void> {
  const startedMs = Date.now();
  // The lock comes first: whoever does not get it must not change what its holder serves.
  const directory = DataDirectory.open(config.dataDir);
  const stopped = stopSignal();
  const follower = await followRegistry(config, options.watch, events).catch((error: unknown) => {
    directory.close();
    throw error;
  });
  let workers: Workers | null = null;
  let started: Platform | null = null;
  try {
    const { snapshot } = follower;
    workers = await Workers.prepare(config, options.workers ?? 0).catch((error: unknown) => {
      directory.close();
      throw error;
    });
    const own = workers?.primary ?? config;
    const { platform, used } = await startPlatform(own, directory, snapshot, events);
    started = platform;
    platform.registry = () => follower.status();
    const reloader = new Reloader(config, platform, follower, events, used);
    await reloader.noteTakeover();
    const url = (await workers?.start(platform)) ?? platform.url;
    events.started({
      ...platform.addresses,
      url,
      generation: used.applied?.generation ?? 0,
      replayedEvents: platform.replayedEvents,
      ...builtGroups(platform),
      seconds: (Date.now() - startedMs) / 1000,
      warning: openWarning(config.host, snapshot.access.enabled),
    });
    const stopWatching = options.watch ? watchDefinitions(config, reloader) : () => {};
    follower.follow((next) => reloader.take(next));
    await stopped;
    events.stopping();
    stopWatching();
    await follower.stop();
    await reloader.settled();
  } finally {
    await follower.stop();
    await workers?.stop();
    await started?.stop();
  }
}

/** @throws AsofError `not_applied`, or as reading the registry, where nothing was kept of it */
async function followRegistry(
  config: Config,
  applyFirst: boolean,
  events: ServerEvents,
): Promise<RegistryFollower> {
  if (applyFirst) await applyOrGoOn(config, events);
  const logger = createLogger(config.logLevel);
  const onState = (status: RegistryStatus): void => {
    const { state, reason, generation } = status;
    const text =
      state === 'away'
        ? 'The registry is away: serving goes on by what is known of it.'
        : 'The registry is back.';
    logger.warn({ reason, generation }, text);
    events.registry(status);
  };
  const follower = await RegistryFollower.start(registryWorld(config, { logger, onState }));
  if (follower.snapshot.applied !== null) return follower;
  await follower.stop();
  throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`, {
    path: config.dataDir,
  });
}

/** A registry that is away is no reason not to serve what it had. */
async function applyOrGoOn(config: Config, events: ServerEvents): Promise<void> {
  try {
    events.applied((await applyAndTell(config, developerOf(config))).diff);
  } catch (error) {
    if (!isAway(error)) throw error;
    events.refused(error);
  }
}

/** Resolves at the first signal; the second one ends the process. */
export function stopSignal(): Promise<void> {
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
