import { present } from '../base/assert.ts';
import { outputsOfNetworks } from '../plan/function-outputs.ts';
import { type CellState, type FunctionRows, runFunctions } from '../plan/function-pass.ts';
import type { ServicePlan } from '../plan/plan.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import { batchCalls, type FunctionOptions, hasFunctions, shownState } from './function-columns.ts';
import type { ReplayedFeature } from './replayed-row.ts';

/**
 * Adds to each replayed row what the service's functions make of it, by the same code that serving
 * runs. What other machines were asked for cannot be computed again, and is left out.
 */
export async function replayFunctions(
  service: ServicePlan,
  rows: readonly ReplayedFeature[][],
  answers: readonly ServedAnswer[],
  options: FunctionOptions,
  signal: AbortSignal | null,
): Promise<void> {
  if (!hasFunctions(service)) return;
  const { functions = [] } = service;
  const before = [...service.features, ...service.onDemand, ...functions.flatMap((f) => f.outputs)];
  const places = new Map(before.map(({ name }, at) => [name, at]));
  const unknown = outputsOfNetworks(service);
  const cell = (row: number, name: string): ReplayedFeature => {
    const at = places.get(name);
    const given = at === undefined ? { value: answers[row]?.request?.[name] ?? null } : null;
    if (given !== null) return { ...given, status: 'present' };
    return present(rows[row]?.[at as number], name);
  };
  const table: FunctionRows = {
    count: rows.length,
    asOfMsOf: (row) => present(answers[row], 'an answer').asOfMs,
    valueOf: (row, name) => cell(row, name).value,
    stateOf: (row, name): CellState => (cell(row, name).status === 'error' ? 'error' : 'present'),
    set(row, name, value, state) {
      const at = present(places.get(name), name);
      (rows[row] as ReplayedFeature[])[at] = { value, status: shownState(state) };
    },
  };
  const known = functions.filter((one) => one.outputs.every(({ name }) => !unknown.has(name)));
  if (known.length === 0) return;
  await runFunctions(known, table, batchCalls({ ...options, allowFunctionTimeouts: true }, signal));
}
