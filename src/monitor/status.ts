import type { FunctionsStatus } from './function-status.ts';
import type { NeighborStatusLine } from './neighbor-status.ts';
import type { SourceStatus } from './source-status.ts';
import type { ReplicaStatus, StoreStatus } from './store-status.ts';
import type { TenantStatus } from './tenant-status.ts';

/** What the platform says of itself: the body of `GET /v1/status` and the basis of metrics. */
export interface PlatformStatus {
  readonly state: PlatformState;
  /** The time t an answer would have now. */
  readonly asOfMs: number;
  /** What has been applied and so is served. */
  readonly commit: number;
  readonly newestArrivalMs: number | null;
  readonly log: { readonly firstCommit: number; readonly lastCommit: number } | null;
  readonly archivedCommit: number | null;
  readonly checkpoint: CheckpointStatus | null;
  /** Distinct entity keys held. */
  readonly keys: number;
  readonly tiles: number;
  /** Memory of the state: tiles, keys and where rows lie. */
  readonly stateBytes: number;
  readonly saved: SavedStatus | null;
  readonly pressure: PressureStatus;
  readonly sources: readonly SourceStatus[];
  readonly connectors: readonly ConnectorLine[];
  readonly views: readonly ViewStatus[];
  readonly services: readonly ServiceStatus[];
  /** Namespaces whose features were asked for since the start. */
  readonly tenants: readonly TenantStatus[];
  /** Indexes of nearest neighbors. */
  readonly neighbors?: readonly NeighborStatusLine[];
  /** Model versions that were asked for since the present definitions are in use. */
  readonly models: readonly ModelStatus[];
  readonly serveLog: ServeLogStatus | null;
  /** null where the process follows none. */
  readonly registry: RegistryStatus | null;
  /** Absent where no service has a function. */
  readonly functions?: FunctionsStatus;
  /** How far the online store of other processes is kept up; null where there is none. */
  readonly store: StoreStatus | null;
  /** How a process that only reads stands with its store; null of one with an engine. */
  readonly replica: ReplicaStatus | null;
  /** Of expressions, since the start: what became null and was counted. */
  readonly faults: { readonly overflow: number; readonly divisionByZero: number };
}

/** What a server knows of the registry that it follows. */
export interface RegistryStatus {
  /** `away`: it cannot be reached, and what is known of it goes on. */
  readonly state: 'connected' | 'away';
  readonly sinceMs: number;
  /** Of the definitions that are known; they may not be in use yet. */
  readonly generation: number;
  /** Why it is away. */
  readonly reason: string | null;
}

/** `replaying`: the state is being rebuilt. `draining`: open requests end, new ones are refused. */
export type PlatformState = 'replaying' | 'ready' | 'draining';

export interface CheckpointStatus {
  readonly commit: number;
  readonly ageMs: number;
  /** Of the last one since the start, 0 before it. */
  readonly tookMs: number;
  readonly bytes: number;
}

/** The state on disk, and what moves between there and memory since the start. */
export interface SavedStatus {
  readonly fileBytes: number;
  readonly indexBytes: number;
  readonly loads: number;
  readonly spills: number;
  /** Tile groups that came from a backfill at the start, and their tiles. */
  readonly groupsLoaded: number;
  readonly tilesLoaded: number;
  /** Groups that the checkpoint lacked and that were built from the events alone. */
  readonly groupsReplayed: number;
  /** At the start what was saved was found damaged, and built anew from archive and log. */
  readonly rebuilt: boolean;
  /** What has failed its checksum since; it is built anew as soon as possible. */
  readonly damage: string | null;
}

/** How full the buffers behind the door are; from 1 on pushes are refused. */
export interface PressureStatus {
  readonly ratio: number;
  /** The fullest one. */
  readonly stage: string | null;
  readonly stages: readonly {
    readonly name: string;
    readonly used: number;
    readonly bound: number;
  }[];
  /** `open`: the state store failed and is left alone for a while. */
  readonly breaker: 'closed' | 'open' | 'half_open';
  /** Since the start. */
  readonly pushesSlowed: number;
  readonly pushesRefused: number;
}

/** Memory of a view's state; tiles that it shares with other views count for each. */
export interface ViewMemory {
  readonly bytes: number;
  readonly budgetBytes: number | null;
  readonly atLimit: 'spill' | 'stop';
  /** Keys in memory, and on disk only: each once, of the tile group that has the most of them. */
  readonly hotKeys: number;
  readonly coldKeys: number;
  readonly tiles: number;
}

export interface ViewStatus {
  readonly name: string;
  readonly version: number;
  readonly source: string;
  readonly stalenessMs: number | null;
  readonly objectiveMs: number | null;
  readonly stale: boolean;
  readonly memory: ViewMemory | null;
}

export interface ServiceStatus {
  readonly name: string;
  readonly version: number;
  /** Of the keys in requests that name no version, the share that this one answers. */
  readonly share: number;
  readonly requests: number;
  readonly rows: number;
  readonly present: number;
  readonly default: number;
  readonly error: number;
  /** Of attributes: no row, and one that is older than its time to live. */
  readonly missing: number;
  readonly expired: number;
  /** Of views that missed their objective, or that the store was away for. */
  readonly stale: number;
  readonly timeout: number;
  readonly denied: number;
}

export interface ServeLogStatus {
  readonly sampled: number;
  readonly written: number;
  readonly dropped: number;
  readonly queued: number;
}

/** What a connector says of itself; counts since the start. */
export interface ConnectorLine {
  readonly name: string;
  readonly kind: string;
  readonly source: string;
  readonly state: string;
  readonly position: string;
  /** Rows or bytes that are known to wait. */
  readonly behind: number | null;
  readonly accepted: number;
  readonly rejected: number;
  readonly batches: number;
  /** Failed tries in a row. */
  readonly retries: number;
  readonly problem: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  } | null;
  /** Parts that are left out until someone acts. */
  readonly problems: readonly string[];
}

/** How often the answers of a service version fitted what a model version registered. */
export interface ModelStatus {
  /** `name@version` */
  readonly model: string;
  readonly service: string;
  readonly requests: number;
  readonly rows: number;
  /** Requests that did not fit, and were answered with an error, or with a note. */
  readonly refused: number;
  readonly flagged: number;
}
