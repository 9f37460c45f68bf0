import { scalarOfLiteral } from '../expr/literal.ts';
import type { FeatureValue, Scalar } from '../schema/types.ts';
import { AS_OF_INPUT, type FunctionPlan } from './function-form.ts';
import type { CallEnd, FunctionValue } from './function-runner.ts';
import { functionInput } from './function-values.ts';

/** What is known of a value, as far as it matters to what is made of it. */
export type CellState =
  | 'present'
  | 'default'
  /** It is older than was promised, and so is what is made of it. */
  | 'stale'
  /** It has no value, and never will at this time and position. */
  | 'error'
  /** It was not there in time, or could not be computed now: nothing can be said of it. */
  | 'timeout'
  | 'unavailable';

/** Rows whose inputs are known, and which take what functions give. */
export interface FunctionRows {
  readonly count: number;
  asOfMsOf(row: number): number;
  valueOf(row: number, name: string): FeatureValue;
  stateOf(row: number, name: string): CellState;
  set(row: number, name: string, value: Scalar, state: CellState): void;
}

/** Makes calls of one function: of each the values of its inputs. */
export type MakeCalls = (
  plan: FunctionPlan,
  calls: readonly (readonly FunctionValue[])[],
) => Promise<readonly CallEnd[]>;

/**
 * Computes all functions of a service for all rows: the one way of serving, training and replays.
 * Functions that read nothing of each other are run at the same time.
 */
export async function runFunctions(
  plans: readonly FunctionPlan[],
  rows: FunctionRows,
  make: MakeCalls,
): Promise<void> {
  for (const stage of stagesOf(plans)) {
    await Promise.all(stage.map((plan) => runFunction(plan, rows, make)));
  }
}

/** Functions in groups, each of which reads only what those before it give. */
export function stagesOf(plans: readonly FunctionPlan[]): FunctionPlan[][] {
  const stageOf = new Map<string, number>();
  const stages: FunctionPlan[][] = [];
  for (const plan of plans) {
    const stage = Math.max(0, ...plan.inputs.map(({ name }) => (stageOf.get(name) ?? -1) + 1));
    for (const { name } of plan.outputs) stageOf.set(name, stage);
    stages[stage] = [...(stages[stage] ?? []), plan];
  }
  return stages;
}

async function runFunction(plan: FunctionPlan, rows: FunctionRows, make: MakeCalls): Promise<void> {
  const defaults = plan.outputs.map((output) => scalarOfLiteral(output.type, output.default));
  const called: number[] = [];
  const states: CellState[] = [];
  const calls: FunctionValue[][] = [];
  for (let row = 0; row < rows.count; row++) {
    const state = stateOfInputs(plan, rows, row);
    if (state === 'timeout' || state === 'unavailable' || hasBrokenInput(plan, rows, row)) {
      const own = state === 'timeout' || state === 'unavailable' ? state : 'error';
      for (const [at, { name }] of plan.outputs.entries()) {
        rows.set(row, name, defaults[at] as Scalar, own);
      }
      continue;
    }
    called.push(row);
    states.push(state);
    calls.push(plan.inputs.map(({ name, type }) => inputOf(rows, row, name, type)));
  }
  if (calls.length === 0) return;
  const ends = await make(plan, calls);
  for (const [call, row] of called.entries()) {
    take(plan, rows, row, ends[call] as CallEnd, states[call] as CellState, defaults);
  }
}

function inputOf(
  rows: FunctionRows,
  row: number,
  name: string,
  type: FunctionPlan['inputs'][number]['type'],
): FunctionValue {
  return name === AS_OF_INPUT ? rows.asOfMsOf(row) : functionInput(rows.valueOf(row, name), type);
}

/** The worst of the inputs' states. */
function stateOfInputs(plan: FunctionPlan, rows: FunctionRows, row: number): CellState {
  let worst: CellState = 'present';
  for (const { name } of plan.inputs) {
    if (name === AS_OF_INPUT) continue;
    const state = rows.stateOf(row, name);
    if (SEVERITY[state] > SEVERITY[worst]) worst = state;
  }
  return worst;
}

const SEVERITY: Readonly<Record<CellState, number>> = {
  present: 0,
  default: 0,
  stale: 1,
  error: 2,
  timeout: 3,
  unavailable: 4,
};

/** A null where none was declared, as the input has no value: the function is not asked. */
function hasBrokenInput(plan: FunctionPlan, rows: FunctionRows, row: number): boolean {
  return plan.inputs.some(
    ({ name, nullable }) => !nullable && name !== AS_OF_INPUT && rows.valueOf(row, name) === null,
  );
}

/** As of any derived feature: the default for null, and as fresh as what it is made of. */
function take(
  plan: FunctionPlan,
  rows: FunctionRows,
  row: number,
  end: CallEnd,
  inputs: CellState,
  defaults: readonly Scalar[],
): void {
  for (const [at, { name }] of plan.outputs.entries()) {
    const otherwise = defaults[at] as Scalar;
    if (end.kind !== 'done') {
      rows.set(row, name, otherwise, end.kind);
      continue;
    }
    const value = end.values[at] as Scalar;
    if (value !== null) rows.set(row, name, value, inputs === 'stale' ? 'stale' : 'present');
    else rows.set(row, name, otherwise, inputs === 'error' ? 'error' : 'default');
  }
}
