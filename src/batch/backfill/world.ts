import type { Clock } from '../../base/clock.ts';
import type { Pause } from '../../base/pause.ts';
import type { DuckDbOptions, DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { History } from '../../ingest/history.ts';
import type { SourcePlan, TileGroupPlan } from '../../plan/plan.ts';
import type { OfflineCatalog } from '../../store/offline-catalog.ts';
import type { FileRange } from './file-ranges.ts';
import type { OffPeak } from './off-peak.ts';
import type { TileBuilder } from './tile-port.ts';

/** What has just been done; tests stop the world at each of them. */
export type BackfillStep =
  | { readonly kind: 'planned' | 'published'; readonly run: number }
  | { readonly kind: 'written'; readonly path: string }
  | { readonly kind: 'noted' | 'begun'; readonly chunk: number }
  | { readonly kind: 'audited'; readonly day: number };

/** What all backfills of a data directory share. */
export interface BackfillWorld {
  readonly dataDir: string;
  readonly catalog: OfflineCatalog;
  readonly builder: TileBuilder;
  /** Brings what the builder's queries call into a session. */
  readonly prepare: (session: DuckDbSession) => Promise<void>;
  readonly clock: Clock;
  /** Milliseconds from an arbitrary start. */
  readonly stopwatchMs: () => number;
  readonly pause: Pause;
  /** Calls `tick` every `everyMs` until the function it returned is called. */
  readonly every: (everyMs: number, tick: () => void) => () => void;
  readonly openHistory: (throughCommit?: number) => Promise<History>;
  /** Rows of a source that the archive is known to have through a commit; there may be more. */
  readonly rowsAtLeast: (source: string, throughCommit: number) => number;
  /** The files of a source's archive; what is not in files is read from memory. */
  readonly fileRanges: (source: string) => readonly FileRange[];
  readonly duckdb: DuckDbOptions & { readonly memoryBytes: number };
  /** Names this process, and nobody else. */
  readonly owner: string;
  readonly isGone: (owner: string) => boolean;
  /** Whether time goes by the newest arrival of a source, for data of the past, not by the clock. */
  readonly arrivalClock: boolean;
  /** How long after its end a day of a source stays provisional, in ms. */
  readonly graceMs: (source: SourcePlan) => number;
  /** Training sets that read tiles of a group and days, and do not have what came. */
  readonly datasetsReading: (change: TileChange) => readonly string[];
  readonly onStep?: (step: BackfillStep) => void;
}

export interface TileChange {
  readonly group: TileGroupPlan;
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  /** Of the rows that made the difference. */
  readonly newestCommit: number;
  readonly oldestArrivalMs: number;
}

/** What one tenant may use; null for no bound. */
export interface BackfillQuota {
  readonly owner: string;
  /** Rows read on one day, UTC. */
  readonly rowsPerDay: number | null;
  /** Bytes of tile files, those included that are kept for readers. */
  readonly bytes: number | null;
}

/** How a run may use the machine. */
export interface BackfillLimits {
  /** Chunks at a time. */
  readonly parallel: number;
  readonly rowsPerSecond: number | null;
  readonly offPeak: OffPeak | null;
  /** Only chunks with days from and through these are run now; the others wait for a later call. */
  readonly fromDay: number | null;
  readonly throughDay: number | null;
  readonly quotaOf: (group: TileGroupPlan) => BackfillQuota;
  /** Everything is computed anew, also what has not changed. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BackfillProgress) => void;
}

export interface BackfillProgress {
  readonly group: string;
  readonly rowsDone: number;
  readonly rowsTotal: number;
  /** Milliseconds that the rest may take; null before there is something to go by. */
  readonly remainingMs: number | null;
  /** Why nothing is done at the moment, or null. */
  readonly waiting: string | null;
}

/** One group and what is to be done with its tiles. */
export interface BackfillTarget {
  readonly group: TileGroupPlan;
  readonly source: SourcePlan;
}

export function subjectOfGroup(group: Pick<TileGroupPlan, 'id'>): string {
  return `tiles/${group.id}`;
}
