import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Turn } from '../base/pause.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StateStore } from '../store/state-store.ts';
import type { CheckpointPolicy } from './checkpoint-policy.ts';
import type { CommittedLog, EventHistory } from './event-history.ts';
import type { Splitting } from './split-rule.ts';
import type { TileSnapshots } from './tile-snapshots.ts';

/** What an engine begins from. */
export interface RestoredState {
  readonly store: MemoryTileStore;
  /** Groups of the plan. */
  readonly groups: readonly string[];
  readonly restoredCommit: number;
  /** Groups that the checkpoint does not hold. */
  readonly missing: ReadonlySet<string>;
}

export interface StreamEngineOptions {
  readonly plan: ProjectPlan;
  /** Where checkpoints live; what it lacks is rebuilt from archive and log. */
  readonly state: StateStore;
  readonly log: CommittedLog;
  /** null where nothing has ever been cut from the log. */
  readonly history: EventHistory | null;
  /** Tiles that were computed offline, by which new groups need not read all events. */
  readonly snapshots?: TileSnapshots;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: CheckpointPolicy;
  /** Bytes that a checkpoint encodes at a time; the limit of that name unless given. */
  readonly sliceBytes?: number;
  /** Bytes of memory that the whole state may take; the limit of that name unless given. */
  readonly stateMemoryBytes?: number;
  /** Events that may be unsaved before pushes are refused; the limit of that name unless given. */
  readonly unsavedEvents?: number;
  /** Taken between two slices of a checkpoint; that of the event loop unless given. */
  readonly turn?: Turn;
  /** Sources into which history is being imported: what is over for live events is kept. */
  readonly importing?: ReadonlySet<string>;
  /** Told of the groups before anything of them changes: what the checkpoint holds, and lacks. */
  readonly onRestored?: (restored: RestoredState) => void;
  /** Which keys are split; by their share of the events unless given. */
  readonly splitting?: Splitting;
}
