import { stopwatchMs } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { ServingPlan } from '../plan/plan.ts';
import type { Single } from '../schema/types.ts';
import type { FetchOptions } from '../store/online-store.ts';
import type { RowKey } from '../store/row-store.ts';
import type { FeatureRequest } from './answer-sink.ts';
import type { CompiledService } from './compiled-service.ts';
import type { ModelContract } from './model-contract.ts';
import type { ReadPlan } from './read-plan.ts';
import { entityKey } from './row-reader.ts';
import type { RowRules } from './row-rules.ts';
import type { StageClock } from './stage-clock.ts';

/** A request that was understood: which version answers what. */
export interface AskedRows {
  readonly compiled: CompiledService;
  /** Of the model that asks; null where none is named. */
  readonly contract: ModelContract | null;
  /** Of every row the join keys, then the request fields. */
  readonly rows: readonly Single[][];
  /** Of rows that lie elsewhere. */
  readonly fetch: FetchOptions;
  /** Null where they could change no row. */
  readonly rules: RowRules | null;
  /** Where the time goes; null where nobody looks. */
  readonly stages: StageClock | null;
}

/** What must be at hand for the rows: each once, however many of them need it. */
export function wantedRows(plan: ReadPlan, rows: readonly Single[][]): RowKey[] {
  const wanted: RowKey[] = [];
  for (const entity of plan.entities) {
    const keys = new Set(rows.map((row) => entityKey(entity, row, plan.tokenizer)));
    for (const { id: group } of entity.groups) {
      for (const key of keys) wanted.push({ group, key });
    }
  }
  return wanted;
}

/** The rows of a request, as this version takes them. */
export function rowsFor({ rows }: FeatureRequest, { plan }: CompiledService): readonly unknown[] {
  return typeof rows === 'function' ? rows(plan.service) : rows;
}

/** Of rows that are at hand, which nobody waits for. */
export const UNBOUNDED: FetchOptions = { deadlineMs: Number.POSITIVE_INFINITY, lastKnownMs: 0 };

/** Until when rows have to be there, and what may stand in for them. */
export function fetchOptions(
  { timeoutMs, onFailure }: ServingPlan,
  receivedMs: number = stopwatchMs(),
  askedMs?: number,
): FetchOptions {
  return {
    deadlineMs: receivedMs + (askedMs ?? timeoutMs ?? LIMITS.requestTimeoutMs),
    lastKnownMs: onFailure.kind === 'last_known' ? onFailure.withinMs : 0,
  };
}
