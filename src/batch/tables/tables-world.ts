import type { Pause } from '../../base/pause.ts';
import type { BulkDoor } from '../../ingest/bulk-door.ts';
import type { DuckDbOptions } from '../../ingest/duckdb-session.ts';
import type { FenceBook } from '../../ingest/fence.ts';
import type { History } from '../../ingest/history.ts';
import type { ProjectPlan, SourcePlan } from '../../plan/plan.ts';
import type { LeaseWorld } from '../backfill/held-lease.ts';

/** What the materialization of all tables shares. */
export interface TablesWorld extends LeaseWorld {
  readonly plan: ProjectPlan;
  /** The project's folder: paths are relative to it. */
  readonly root: string;
  readonly door: BulkDoor;
  /** Rows of one chunk; `LIMITS.bulkRows` unless given. */
  readonly chunkRows?: number;
  /** The newest history there is. */
  readonly openHistory: () => Promise<History>;
  readonly now: () => Promise<TableNow>;
  /** By the clock that stamps files. */
  readonly fileNowMs: () => number;
  readonly pause: Pause;
  /** How long after its newest event a unit of a table stays provisional, in ms. */
  readonly graceMs: (source: SourcePlan) => number;
  readonly duckdb: DuckDbOptions;
  /** Who was forgotten, and may not come back; nobody if absent. */
  readonly fences?: FenceBook;
  /** The folder of DuckDB's extensions; null where none is configured. */
  readonly extensions: string | null;
  /** Statements that give httpfs its credentials, from the environment. */
  readonly remoteSettings: readonly string[];
  /** The URL of a named PostgreSQL; null where none is named so. */
  readonly postgresUrl: (connection: string) => string | null;
}

export interface TableNow {
  /** The platform's now: what is known from now on arrives then. */
  readonly nowMs: number;
  /** Rows that hold, or are known, only after it wait. It is now, unless arrivals are the clock. */
  readonly dueMs: number;
}

export interface MaterializeOptions {
  /** Finds out what would change, and changes nothing. */
  readonly dryRun: boolean;
  /** Only units that match this glob; null for all. */
  readonly unit: string | null;
  /** Takes back the rows of units that are not upstream any more. */
  readonly removeMissing: boolean;
  /** Optional columns that upstream may lack: then they are null. */
  readonly allowMissing: ReadonlySet<string>;
  /** Believes rows of all units that come for the first time to have been known when they say. */
  readonly backdate?: boolean;
  /** Why units that are not as expected are let through all the same; recorded. */
  readonly accept?: string | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TableProgress) => void;
}

export interface TableProgress {
  readonly table: string;
  readonly phase: 'reading' | 'comparing' | 'writing';
  readonly units: number;
  readonly unitsDone: number;
  readonly rowsRead: number;
}
