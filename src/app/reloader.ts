import type { RegistrySnapshot } from '../registry/snapshot.ts';
import { viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import type { Platform } from './platform.ts';
import type { RegistryFollower } from './registry-follower.ts';
import type { BuiltGroups, ServerEvents } from './server-events.ts';
import { applyAndTell } from './tell-lineage.ts';
import { withRegistry } from './with-registry.ts';

/** Brings newly applied definitions into the running platform, one generation after another. */
export class Reloader {
  readonly #config: Config;
  readonly #platform: Platform;
  readonly #follower: RegistryFollower;
  readonly #events: ServerEvents;
  #used: RegistrySnapshot;
  /** The generation that the registry has a note of, as one that is served. */
  #noted = 0;
  #running: Promise<void> = Promise.resolve();

  /** `used`: what the platform was started with. */
  constructor(
    config: Config,
    platform: Platform,
    follower: RegistryFollower,
    events: ServerEvents,
    used: RegistrySnapshot,
  ) {
    this.#config = config;
    this.#platform = platform;
    this.#follower = follower;
    this.#events = events;
    this.#used = used;
  }

  /** Applies the definitions file as it is now; what came of it is taken over as any apply is. */
  applyAndFollow(): Promise<void> {
    return this.#inTurn(async () => {
      this.#events.applied((await applyAndTell(this.#config, developerOf(this.#config))).diff);
      this.#follower.look();
    });
  }

  /** Takes over what has been applied and published, here or by another process. */
  take(snapshot: RegistrySnapshot): Promise<void> {
    return this.#inTurn(() => this.#take(snapshot));
  }

  /** Writes down for `publish` that the tiles of the present generation are built and caught up. */
  noteTakeover(): Promise<void> {
    return this.#inTurn(() => this.#noteTakeover());
  }

  settled(): Promise<void> {
    return this.#running;
  }

  async #take(snapshot: RegistrySnapshot): Promise<void> {
    const before = this.#used;
    // Told once: the next try is for what comes after this.
    this.#used = snapshot;
    const { applied, releases, lifecycle, shadows } = snapshot;
    // Before new definitions, so that none of them answers before it is known that it may.
    if (lifecycle !== before.lifecycle) this.#platform.features.gate(lifecycle);
    try {
      if (applied !== null && applied.generation !== before.applied?.generation) {
        await this.#platform.use(applied.plan);
        await this.#noteTakeover();
        this.#events.reloaded(applied.generation, builtGroups(this.#platform));
      }
    } finally {
      // From one request to the next, also where new definitions cannot be used.
      this.#platform.heed({ releases, lifecycle, shadows });
      if (releases !== before.releases) this.#events.released(releases);
    }
  }

  async #noteTakeover(): Promise<void> {
    const generation = this.#used.applied?.generation ?? 0;
    if (generation === this.#noted || this.#follower.status().state === 'away') return;
    const { commit } = this.#platform.status();
    try {
      await withRegistry(this.#config, (registry) => registry.tookOver(generation, commit));
      this.#noted = generation;
    } catch (error) {
      // Serving needs no note of it; publishing will say that it lacks one.
      this.#events.refused(error);
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(work).catch((error: unknown) => this.#events.refused(error));
    return this.#running;
  }
}

/** Who proved to be somebody is the author of what `asof dev` applies, and approves none of it. */
export function developerOf(config: Config): string {
  const { principal } = viewerOf(config);
  return principal.kind === 'local' ? 'asof dev' : principal.id;
}

export function builtGroups(platform: Platform): BuiltGroups {
  const { groupsLoaded = 0, groupsReplayed = 0 } = platform.status().saved ?? {};
  return { groupsLoaded, groupsReplayed };
}
