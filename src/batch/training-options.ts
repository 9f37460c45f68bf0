import type { Clock } from '../base/clock.ts';
import type { DuckDbOptions, DuckDbSession } from '../ingest/duckdb-session.ts';
import type { LabelPlan, ProjectPlan } from '../plan/plan.ts';
import type { EventRelations } from './event-relations.ts';
import type { FunctionOptions } from './function-columns.ts';
import type { Spine } from './spine.ts';
import type { SpineSource } from './spines/spine-input.ts';
import type { Strategy } from './strategy.ts';

export interface TrainingOptions extends FunctionOptions {
  readonly plan: ProjectPlan;
  /** Sources that the spine may read, where they are not all of the plan. */
  readonly spinePlan?: ProjectPlan;
  readonly service: string;
  /** The newest version if absent. */
  readonly version?: number;
  readonly history: EventRelations;
  readonly spine: SpineSource;
  /** Called once the spine is read, with the session that holds it: a dataset keeps a copy. */
  readonly onSpine?: (session: DuckDbSession, spine: Spine) => Promise<void>;
  /**
   * Called once every row is computed, with a relation of the typed result in its order, for what
   * is to be told of it whatever the file's format is.
   */
  readonly onResult?: (session: DuckDbSession, relation: string) => Promise<void>;
  /** Values of the time after each row, beside its features (semantics §6, labels). */
  readonly labels?: readonly LabelPlan[];
  /** Features as they were just before each row's time: without what happened at that very time. */
  readonly before?: boolean;
  /** The spine's time column; by default `event_time`, or its only timestamp. */
  readonly time?: string;
  /** A file: .parquet, .arrow, .feather, .arrows, .csv or .ndjson. */
  readonly out: string;
  readonly known?: 'serving' | 'final';
  /** How long before a row's time an event must have arrived to be known (semantics §6). */
  readonly servingDelayMs?: number;
  /** Put before every feature's name. */
  readonly prefix?: string;
  /** Adds `<feature>_status` after each feature that can have the status `error`. */
  readonly statuses?: boolean;
  readonly clock: Clock;
  /** A database to work in; else one is opened with `duckdb` and closed at the end. */
  readonly session?: DuckDbSession;
  readonly duckdb?: DuckDbOptions;
  /** Shows the ids of the spine in its join keys, where those would be tokens; never of datasets. */
  readonly keepIds?: boolean;
  /** Uses one strategy wherever it is right, to test or measure it. */
  readonly strategy?: Strategy;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly phase: string;
  /** Of the whole, in [0, 1], never falling. */
  readonly share: number;
  /** Rows of the spine, once it is read. */
  readonly rows: number | null;
}

export interface TrainingReport {
  readonly service: string;
  readonly version: number;
  readonly rows: number;
  /** Names of the feature columns, in order. */
  readonly features: readonly string[];
  readonly timeColumn: string;
  readonly nullKeys: number;
  readonly nullTimes: number;
  /** Rows for which serving says `error`, by feature column; their value is null (semantics §6). */
  readonly errors: Readonly<Record<string, number>>;
  /** By label. */
  readonly labels: Readonly<Record<string, LabelReport>>;
  readonly known: 'serving' | 'final';
  readonly servingDelayMs: number;
  readonly throughCommit: number;
  /** `view@version` → hash of its plan. */
  readonly viewHashes: Readonly<Record<string, string>>;
  /** Parts computed by each strategy. */
  readonly strategies: Readonly<Partial<Record<Strategy, number>>>;
  readonly seconds: number;
  readonly out: string;
}

export interface LabelReport {
  /** Rows whose outcome is not known yet: their label is null. */
  readonly immature: number;
  /** Rows for which no exact answer is kept, or none fits the type: their label is null too. */
  readonly errors: number;
}
