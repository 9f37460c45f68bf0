import { type CellState, type FunctionRows, runFunctions } from '../../plan/function-pass.ts';
import type { FeatureValue } from '../../schema/types.ts';
import type { ReadPlan } from '../read-plan.ts';
import type { CapturedRow } from '../row-reader.ts';
import {
  DEFAULT,
  DENIED,
  ERROR,
  EXPIRED,
  MISSING,
  PRESENT,
  STALE,
  TIMEOUT,
  UNAVAILABLE,
} from '../status-codes.ts';
import type { FunctionAnswers } from './function-answers.ts';

/**
 * Completes rows that were read by what functions make of them. They are given as much time as the
 * request has left; what is not there by then is answered by its default.
 * @param answers null where functions cannot be run: then none of them is there
 */
export function completeRows(
  plan: ReadPlan,
  rows: readonly CapturedRow[],
  answers: FunctionAnswers | null,
  asOfMs: number,
  deadlineMs: number,
): Promise<void> {
  const slots = plan.functionSlots ?? new Map<string, number>();
  const slotOf = (name: string): number => slots.get(name) as number;
  const captured = (row: number): CapturedRow => rows[row] as CapturedRow;
  const table: FunctionRows = {
    count: rows.length,
    asOfMsOf: () => asOfMs,
    valueOf: (row, name) => captured(row).values[slotOf(name)] as FeatureValue,
    stateOf: (row, name) => STATES[captured(row).statuses[slotOf(name)] as number] as CellState,
    set(row, name, value, state) {
      const { values, statuses } = captured(row);
      values[slotOf(name)] = value;
      statuses[slotOf(name)] = CODES[state];
    },
  };
  return runFunctions(plan.service.functions ?? [], table, async (one, calls) => {
    if (answers === null) return calls.map(() => NOT_RUN);
    const leftMs = deadlineMs - answers.timers.nowMs();
    return leftMs <= 0 ? calls.map(() => NO_TIME) : answers.make(one, calls, leftMs);
  });
}

const NOT_RUN = { kind: 'unavailable', reason: 'functions are not run here' } as const;
const NO_TIME = { kind: 'timeout', reason: 'the time of the request is over' } as const;

const CODES: Readonly<Record<CellState, number>> = {
  present: PRESENT,
  default: DEFAULT,
  stale: STALE,
  error: ERROR,
  timeout: TIMEOUT,
  unavailable: UNAVAILABLE,
};

/** By status code. */
const STATES: CellState[] = [];
STATES[PRESENT] = 'present';
STATES[DEFAULT] = 'default';
STATES[MISSING] = 'default';
STATES[EXPIRED] = 'default';
STATES[STALE] = 'stale';
STATES[ERROR] = 'error';
STATES[TIMEOUT] = 'timeout';
STATES[UNAVAILABLE] = 'unavailable';
STATES[DENIED] = 'unavailable';
