import { DuckDBArrayValue, DuckDBListValue } from '@duckdb/node-api';
import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { SERVING_LIMITS } from '../base/serving-limits.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { AS_OF_INPUT, type FunctionPlan } from '../plan/function-form.ts';
import {
  type CellState,
  type FunctionRows,
  type MakeCalls,
  runFunctions,
} from '../plan/function-pass.ts';
import type { CallEnd, FunctionRunner, FunctionValue } from '../plan/function-runner.ts';
import type { ServicePlan } from '../plan/plan.ts';
import { duckDbType } from '../schema/duckdb-type.ts';
import type { FeatureValue, Scalar, ValueType } from '../schema/types.ts';
import type { FeatureWork } from './feature-work.ts';
import { featureOutputs } from './finish-sql.ts';
import { functionColumn, onDemandInputs } from './on-demand-sql.ts';
import { POINTS } from './point-tables.ts';
import { replayedValue } from './replayed-row.ts';

/** What functions gave, a row each of those that have all that a request must give. */
export const FUNCTIONS = 'asof_functions';
const INPUTS = 'asof_function_inputs';

export interface FunctionOptions {
  /** Runs them; needed where the service has functions. */
  readonly functions?: FunctionRunner;
  /** Calls that are cut off have their default, as in serving, and do not end the run. */
  readonly allowFunctionTimeouts?: boolean;
  /** Functions with a network are called now, whatever time a row is of. */
  readonly callNetworks?: boolean;
}

/** Calls as a batch makes them: equal inputs once, cut off ones again, and then it fails. */
export function batchCalls(options: FunctionOptions, signal: AbortSignal | null): MakeCalls {
  const runner = present(options.functions, 'something that runs functions');
  return async (plan, calls) => {
    signal?.throwIfAborted();
    const places = new Map<string, number>();
    const distinct: (readonly FunctionValue[])[] = [];
    const placeOf = calls.map((inputs) => {
      const key = JSON.stringify(inputs, (_, one: unknown) =>
        typeof one === 'bigint' ? { big: String(one) } : one,
      );
      const known = places.get(key);
      if (known !== undefined) return known;
      places.set(key, distinct.length);
      return distinct.push(inputs) - 1;
    });
    const ends = await runAgain(runner, plan, distinct);
    const failed = ends.findIndex(isCut);
    const end = ends[failed];
    if (end !== undefined && isCut(end) && options.allowFunctionTimeouts !== true) {
      throw cutOff(plan, end.reason, distinct[failed] ?? []);
    }
    return placeOf.map((place) => ends[place] as CallEnd);
  };
}

const isCut = (end: CallEnd): end is Extract<CallEnd, { kind: 'timeout' | 'unavailable' }> =>
  end.kind === 'timeout' || end.kind === 'unavailable';

/** A machine that is busy is no reason to fail: what was cut off is made once more. */
async function runAgain(
  runner: FunctionRunner,
  plan: FunctionPlan,
  calls: readonly (readonly FunctionValue[])[],
): Promise<CallEnd[]> {
  const { functionBatchMs } = SERVING_LIMITS;
  const ends = [...(await runner.run(plan, calls, functionBatchMs))];
  const again = ends.flatMap((end, at) => (isCut(end) ? [at] : []));
  if (again.length === 0) return ends;
  const second = await runner.run(
    plan,
    again.map((at) => calls[at] ?? []),
    functionBatchMs,
  );
  for (const [i, at] of again.entries()) ends[at] = second[i] as CallEnd;
  return ends;
}

function cutOff(plan: FunctionPlan, reason: string, inputs: readonly FunctionValue[]): AsofError {
  const given = plan.inputs.map(({ name }, at) => `${name}: ${shown(inputs[at])}`).join(', ');
  const message = `The function '${plan.name}' failed for { ${given} }: ${reason}.`;
  return new AsofError('function_cut_off', message, { path: plan.name });
}

function shown(value: FunctionValue | undefined): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return text === undefined || text.length <= 60 ? String(text) : `${text.slice(0, 60)}…`;
}

/** @throws AsofError `function_not_replayable` of a function that asks other machines */
export function requireReplayable({ functions = [] }: ServicePlan, options: FunctionOptions): void {
  const asking = functions.find(({ network }) => network !== null);
  if (asking === undefined || options.callNetworks === true) return;
  const message = `The function '${asking.name}' asks other machines, which answer as of now.`;
  throw new AsofError('function_not_replayable', message, { path: asking.name });
}

/** Where the values and statuses of a service's rows are, for its functions. */
export interface FunctionSource {
  /** Has `r`, `asked`, the columns of inputs, and what the statuses are made of. */
  readonly rowsSql: string;
  /** Of each output before the functions, in order: its status, or null where that cannot tell. */
  readonly statuses: readonly (string | null)[];
  readonly signal: AbortSignal | null;
}

/** Makes `asof_functions`: one pass over the rows, in parts that fit into memory. */
export async function createFunctions(
  session: DuckDbSession,
  work: FeatureWork,
  source: FunctionSource,
  options: FunctionOptions,
): Promise<void> {
  const { functions = [] } = work.service;
  requireReplayable(work.service, options);
  const inputs = givenInputs(work, source.statuses);
  const columns = inputs.flatMap(({ column, status }, at) => [
    `f.${column} AS i${at}`,
    `${status ?? 'NULL'} AS s${at}`,
  ]);
  const run = source.signal === null ? {} : { signal: source.signal };
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${INPUTS} AS
      SELECT ${['f.r AS r', 'p.t AS t', ...columns].join(', ')}
      FROM (${source.rowsSql}) f JOIN ${POINTS} p ON p.r = f.r WHERE f.asked ORDER BY f.r`,
    run,
  );
  const outputs = functions.flatMap((one) => one.outputs);
  const made = outputs.flatMap(({ type }, at) => [
    `${functionColumn(at)} ${duckDbType(type)}`,
    `${functionColumn(at)}_status VARCHAR`,
  ]);
  await session.run(`CREATE OR REPLACE TEMP TABLE ${FUNCTIONS} (r BIGINT, ${made.join(', ')})`);
  const make = batchCalls(options, source.signal);
  const { functionRowsAtOnce } = SERVING_LIMITS;
  for (let from = 0; ; from += functionRowsAtOnce) {
    const part = await session.rows(
      `SELECT * FROM ${INPUTS} ORDER BY r LIMIT ${functionRowsAtOnce} OFFSET ${from}`,
    );
    if (part.length === 0) break;
    const rows = new PartRows(
      part,
      inputs,
      outputs.map(({ name }) => name),
    );
    await runFunctions(functions, rows, make);
    await append(session, part, rows, outputs);
  }
  await session.run(`DROP TABLE ${INPUTS}`);
}

interface GivenInput {
  readonly name: string;
  readonly type: ValueType;
  readonly column: string;
  readonly status: string | null;
}

/** What functions read that none of them gives, each once. */
function givenInputs(work: FeatureWork, statuses: readonly (string | null)[]): GivenInput[] {
  const { service } = work;
  const { functions = [], features, onDemand } = service;
  const columnOf = onDemandInputs(service, featureOutputs(work));
  const before = [...features, ...onDemand].map(({ name }) => name);
  const given = new Map<string, GivenInput>();
  const made = new Set(functions.flatMap((one) => one.outputs.map(({ name }) => name)));
  for (const { name, type } of functions.flatMap((one) => one.inputs)) {
    if (name === AS_OF_INPUT || made.has(name)) continue;
    const status = statuses[before.indexOf(name)] ?? null;
    given.set(name, { name, type, column: columnOf(name), status });
  }
  return [...given.values()];
}

/** Rows of `asof_function_inputs`, and what functions make of them. */
class PartRows implements FunctionRows {
  readonly count: number;
  readonly #rows: readonly (readonly unknown[])[];
  readonly #places: ReadonlyMap<string, readonly [at: number, type: ValueType]>;
  readonly #made: ReadonlyMap<string, { values: Scalar[]; states: CellState[] }>;

  constructor(
    rows: readonly (readonly unknown[])[],
    inputs: readonly GivenInput[],
    outputs: readonly string[],
  ) {
    this.count = rows.length;
    this.#rows = rows;
    this.#places = new Map(inputs.map(({ name, type }, at) => [name, [2 + 2 * at, type]]));
    this.#made = new Map(outputs.map((name) => [name, { values: [], states: [] }]));
  }

  asOfMsOf(row: number): number {
    return Number(this.#rows[row]?.[1]);
  }

  valueOf(row: number, name: string): FeatureValue {
    const made = this.#made.get(name);
    if (made !== undefined) return made.values[row] as Scalar;
    const [at, type] = present(this.#places.get(name), name);
    const value = this.#rows[row]?.[at];
    const isSeveral = value instanceof DuckDBListValue || value instanceof DuckDBArrayValue;
    return isSeveral && type.kind === 'vector'
      ? value.items.map(Number)
      : replayedValue(value, type);
  }

  stateOf(row: number, name: string): CellState {
    const made = this.#made.get(name);
    if (made !== undefined) return made.states[row] as CellState;
    const [at] = present(this.#places.get(name), name);
    return this.#rows[row]?.[at + 1] === 'error' ? 'error' : 'present';
  }

  set(row: number, name: string, value: Scalar, state: CellState): void {
    const made = present(this.#made.get(name), name);
    made.values[row] = value;
    made.states[row] = state;
  }
}

async function append(
  session: DuckDbSession,
  part: readonly (readonly unknown[])[],
  rows: PartRows,
  outputs: FunctionPlan['outputs'],
): Promise<void> {
  const appender = await session.connection.createAppender(FUNCTIONS);
  for (const [row, [r]] of part.entries()) {
    appender.appendBigInt(BigInt(Number(r)));
    for (const { name, type } of outputs) {
      const value = rows.valueOf(row, name) as Scalar;
      if (value === null) appender.appendNull();
      else if (type.kind === 'bool') appender.appendBoolean(value === true);
      else if (type.kind === 'string') appender.appendVarchar(String(value));
      else if (type.kind === 'float64') appender.appendDouble(Number(value));
      else appender.appendBigInt(BigInt(value));
      appender.appendVarchar(shownState(rows.stateOf(row, name)));
    }
    appender.endRow();
  }
  appender.closeSync();
}

/** As serving shows it. */
export function shownState(state: CellState): Exclude<CellState, 'unavailable'> {
  return state === 'unavailable' ? 'error' : state;
}

export function hasFunctions({ functions = [] }: ServicePlan): boolean {
  return functions.length > 0;
}

/** Rows of `featuresSql` with what functions gave for them; null of rows that were not asked. */
export function withFunctions(rowsSql: string, service: ServicePlan): string {
  if (!hasFunctions(service)) return rowsSql;
  return `SELECT f.*, g.* EXCLUDE (r) FROM (${rowsSql}) f LEFT JOIN ${FUNCTIONS} g ON g.r = f.r`;
}
