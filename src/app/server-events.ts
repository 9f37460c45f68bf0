import type { RegistryStatus } from '../monitor/status.ts';
import type { PlanDiff } from '../plan/diff.ts';
import type { ServiceRoute } from '../serve/release-routes.ts';
import type { Addresses } from './listen-on.ts';

/** What a running server tells the command line. */
export interface ServerEvents {
  readonly started: (facts: StartFacts) => void;
  /** Definitions that `dev` applied by itself. */
  readonly applied: (diff: PlanDiff) => void;
  readonly reloaded: (generation: number, groups: BuiltGroups) => void;
  /** Which versions answer requests that name none has changed. */
  readonly released: (routes: readonly ServiceRoute[]) => void;
  /** The registry has gone away, or is back. */
  readonly registry: (status: RegistryStatus) => void;
  /** New definitions that cannot be used; those before stay. */
  readonly refused: (error: unknown) => void;
  readonly stopping: () => void;
}

/** Tile groups that were new: loaded from a backfill, or built from the events. */
export interface BuiltGroups {
  readonly groupsLoaded: number;
  readonly groupsReplayed: number;
}

export interface StartFacts extends BuiltGroups, Addresses {
  readonly generation: number;
  readonly replayedEvents: number;
  readonly seconds: number;
  /** Why this server should not run as it does; null if nothing speaks against it. */
  readonly warning: string | null;
}
