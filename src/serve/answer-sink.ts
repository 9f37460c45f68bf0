import type { Deprecation } from '../registry/serving-states.ts';
import type { ViewFeature } from './ad-hoc-services.ts';
import type { ViewFreshness } from './answer.ts';
import type { AnswerRow } from './answer-row.ts';
import type { CompiledService } from './compiled-service.ts';
import type { Degradation } from './degradation.ts';
import type { ContractNote } from './model-contract.ts';
import type { ReadPlan } from './read-plan.ts';
import type { RowShape } from './request-rows.ts';
import type { ResponseWriter } from './response-writer.ts';
import type { StageClock } from './stage-clock.ts';

export type { AnswerRow } from './answer-row.ts';

/** `refuse`: a request for one feature that the caller may not see is refused. `omit`: it is null. */
export type OnDenied = 'refuse' | 'omit';

/** What a caller asks for: rows of a service, or what a model may read of it. */
export interface FeatureRequest {
  /** May be left out where a model is named: then it is the one that the model is pinned to. */
  readonly service: string | undefined;
  /** The live version by default. */
  readonly version: number | undefined;
  /** `name@version` */
  readonly model: string | undefined;
  /** In place of a service or a model: features of views. */
  readonly features?: readonly ViewFeature[] | undefined;
  /** Objects of join keys and request fields; or what makes them, once it is known which those are. */
  readonly rows: readonly unknown[] | ((shape: RowShape) => readonly unknown[]);
  /** How many rows that makes, where it is told before they are made. */
  readonly rowCount?: number;
  /** How long the answer may take, from `receivedMs` on; what the service declares by default. */
  readonly timeoutMs?: number | undefined;
  /** What becomes of features that the caller may not see; all is refused by default. */
  readonly onDenied?: OnDenied;
  /** Outputs that the caller may not see, and that are answered as `denied`. */
  readonly denied?: ReadonlySet<string> | null;
  /** When the request came, by `stopwatchMs`; now by default. */
  readonly receivedMs?: number | undefined;
  /** Where the time goes, for one of many requests. */
  readonly stages?: StageClock | null;
}

/** What is known of an answer before its rows (semantics §6). */
export interface AnswerHead {
  /** `plan.outputs` are what the caller may read, in order. */
  readonly plan: ReadPlan;
  readonly compiled: CompiledService;
  /** Writes JSON of just these outputs. */
  readonly writer: ResponseWriter;
  readonly deprecation: Deprecation | null;
  /** The time t that every window of this answer ends at. */
  readonly asOfMs: number;
  readonly commit: number;
  readonly rowCount: number;
  /** By the views of the plan. */
  readonly freshness: () => readonly ViewFreshness[];
  /** Views that are answered from kept rows, as the store did not answer. Null as a rule. */
  readonly degradation: Degradation | null;
}

/** Makes the answer of one protocol, row by row. */
export interface AnswerSink<T> {
  row(row: AnswerRow): void;
  /** @param contract what is said of the model that asked; null without one */
  end(contract: ContractNote | null): T;
}

export type OpenSink<T> = (head: AnswerHead) => AnswerSink<T>;
