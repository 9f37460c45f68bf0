import type { Single } from '../schema/types.ts';
import type { RowKey } from '../store/row-store.ts';
import type { CompiledService } from './compiled-service.ts';
import type { ModelContract } from './model-contract.ts';
import type { ReadPlan } from './read-plan.ts';
import { entityKey } from './row-reader.ts';

/** A request that was understood: which version answers what. */
export interface AskedRows {
  readonly compiled: CompiledService;
  /** Of the model that asks; null where none is named. */
  readonly contract: ModelContract | null;
  /** Of every row the join keys, then the request fields. */
  readonly rows: readonly Single[][];
  /** By `stopwatchMs`. */
  readonly deadlineMs: number;
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
