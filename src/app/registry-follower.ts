import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Pause } from '../base/pause.ts';
import type { RegistryStatus } from '../monitor/status.ts';
import type { Listener } from '../registry/listen.ts';
import type { Registry } from '../registry/registry.ts';
import { type RegistrySnapshot, readSnapshot, sameChanges } from '../registry/snapshot.ts';

/** Where snapshots come from and go. */
export interface RegistryWorld {
  /** @throws AsofError `registry_away` and the like, also where there is no registry yet */
  readonly open: () => Promise<Registry>;
  /** Another answer than before: what is open is not what is there any more. */
  readonly identity: () => string;
  /** Tells of changes at once; null where there is only looking. */
  readonly listen: ((onChange: () => void, onLost: () => void) => Promise<Listener>) | null;
  /** The snapshot that was kept last, or null. @throws AsofError where it cannot be used */
  readonly kept: () => RegistrySnapshot | null;
  readonly keep: (snapshot: RegistrySnapshot) => void;
  readonly clock: Clock;
  readonly pause: Pause;
  readonly logger: Logger;
  /** It has gone away, or is back. */
  readonly onState: (status: RegistryStatus) => void;
}

/** Somebody who works by the registry; what it fails at is its own to tell. */
export type OnSnapshot = (snapshot: RegistrySnapshot) => Promise<void>;

/**
 * Follows the registry for a running server: there is always a snapshot, which is replaced as a
 * whole once the registry has changed. A registry that is away changes nothing but what is said of
 * it; it is asked again, less and less often, and what was missed is made up for.
 */
export class RegistryFollower {
  readonly #world: RegistryWorld;
  readonly #stopping = new AbortController();
  #snapshot: RegistrySnapshot;
  #registry: Registry | null;
  #identity: string;
  #listener: Listener | null = null;
  #sinceMs: number;
  /** Why the registry is away, or null while it is not. */
  #away: string | null;
  #failures = 0;
  #listenTriedMs = Number.NEGATIVE_INFINITY;
  #isAsked = false;
  #wake: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();

  private constructor(world: RegistryWorld, registry: Registry | null, snapshot: RegistrySnapshot) {
    this.#world = world;
    this.#registry = registry;
    this.#identity = world.identity();
    this.#snapshot = snapshot;
    this.#away = null;
    this.#sinceMs = world.clock.nowMs();
  }

  /**
   * Reads the registry, or where it is away what was kept of it.
   * @throws AsofError as opening the registry does, where nothing was kept that could be used
   */
  static async start(world: RegistryWorld): Promise<RegistryFollower> {
    let registry: Registry | null = null;
    try {
      registry = await world.open();
      const follower = new RegistryFollower(world, registry, await readSnapshot(registry, null));
      follower.#keep();
      return follower;
    } catch (error) {
      await registry?.close().catch(() => {});
      const kept = isAway(error) ? world.kept() : null;
      if (kept === null) throw error;
      const follower = new RegistryFollower(world, null, kept);
      follower.#isAway(error);
      return follower;
    }
  }

  get snapshot(): RegistrySnapshot {
    return this.#snapshot;
  }

  status(): RegistryStatus {
    return {
      state: this.#away === null ? 'connected' : 'away',
      sinceMs: this.#sinceMs,
      generation: this.#snapshot.applied?.generation ?? 0,
      reason: this.#away,
    };
  }

  /** Follows from now on. */
  follow(onSnapshot: OnSnapshot): void {
    this.#running = this.#follow(onSnapshot);
  }

  /** Looks now, whatever was to be waited for. */
  look(): void {
    this.#isAsked = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#disconnect();
  }

  async #follow(onSnapshot: OnSnapshot): Promise<void> {
    let told = this.#snapshot;
    while (!this.#stopping.signal.aborted) {
      this.#isAsked = false;
      await this.#look();
      if (this.#snapshot !== told) {
        told = this.#snapshot;
        await onSnapshot(told);
      }
      await this.#wait();
    }
  }

  async #look(): Promise<void> {
    try {
      if (this.#registry !== null && this.#world.identity() !== this.#identity) {
        await this.#disconnect();
      }
      this.#registry ??= await this.#connect();
      // Listening comes first: no change falls between the two.
      await this.#listen();
      const changes = await this.#registry.changes();
      if (!sameChanges(changes, this.#snapshot.changes)) {
        this.#snapshot = await readSnapshot(this.#registry, this.#snapshot);
        this.#keep();
      }
      this.#isBack();
    } catch (error) {
      await this.#disconnect();
      this.#isAway(error);
    }
  }

  async #connect(): Promise<Registry> {
    const registry = await this.#world.open();
    this.#identity = this.#world.identity();
    return registry;
  }

  /** Without it there is looking, as often as where nobody tells; it is tried again now and then. */
  async #listen(): Promise<void> {
    const { listen, clock } = this.#world;
    const nowMs = clock.nowMs();
    const isDue = nowMs - this.#listenTriedMs >= LIMITS.registrySlowPollMs;
    if (listen === null || this.#listener !== null || !isDue) return;
    this.#listenTriedMs = nowMs;
    const lost = (): void => {
      this.#listener = null;
      this.look();
    };
    this.#listener = await listen(() => this.look(), lost).catch(() => null);
  }

  async #disconnect(): Promise<void> {
    const [registry, listener] = [this.#registry, this.#listener];
    this.#registry = null;
    this.#listener = null;
    await listener?.close();
    await registry?.close().catch(() => {});
  }

  #isAway(error: unknown): void {
    const reason = error instanceof AsofError ? error.message : String(error);
    this.#failures += 1;
    const isNew = this.#away === null;
    this.#away = reason;
    if (isNew) this.#sayState();
  }

  #isBack(): void {
    this.#failures = 0;
    if (this.#away === null) return;
    this.#away = null;
    this.#sayState();
  }

  #sayState(): void {
    this.#sinceMs = this.#world.clock.nowMs();
    this.#world.onState(this.status());
  }

  /** For the next start; a disk that does not take it stops nothing. */
  #keep(): void {
    if (this.#snapshot.applied === null) return;
    try {
      this.#world.keep(this.#snapshot);
    } catch (error) {
      const text = 'What is known of the registry could not be kept for the next start.';
      this.#world.logger.warn({ error: String(error) }, text);
    }
  }

  /** Until the next look is due, or somebody asks for it. */
  async #wait(): Promise<void> {
    if (this.#isAsked) return;
    const woken = new AbortController();
    const signal = AbortSignal.any([woken.signal, this.#stopping.signal]);
    this.#wake = () => woken.abort();
    await this.#world.pause(this.#waitMs(), signal).catch(() => {});
    this.#wake = null;
  }

  #waitMs(): number {
    if (this.#away !== null) {
      const waitMs = LIMITS.registryPollMs * 2 ** Math.min(this.#failures - 1, 16);
      return Math.min(waitMs, LIMITS.registryAwayPollMs);
    }
    return this.#listener === null ? LIMITS.registryPollMs : LIMITS.registrySlowPollMs;
  }
}

/** What may be over a while later, or needs somebody to mend it: no reason not to serve. */
export function isAway(error: unknown): boolean {
  return (
    error instanceof AsofError &&
    ['registry_away', 'registry_damaged', 'disk_failed', 'disk_full'].includes(error.code)
  );
}
