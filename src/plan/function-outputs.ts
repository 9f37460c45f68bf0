import type { LiteralValue } from '../expr/node.ts';
import { referencedColumns } from '../expr/references.ts';
import type { ValueType } from '../schema/types.ts';
import { AS_OF_INPUT } from './function-form.ts';
import type { Meta, ServicePlan } from './plan.ts';

/** What a service answers beside features of views, whatever computes it. */
export interface ComputedOutput {
  readonly name: string;
  readonly type: ValueType;
  readonly default: LiteralValue;
  readonly meta: Meta;
  /** Request fields and outputs that it is made of. */
  readonly reads: readonly string[];
}

/** In the order in which they are answered: each reads only what comes before it. */
export function computedOutputs({
  onDemand,
  functions = [],
}: Pick<ServicePlan, 'onDemand' | 'functions'>): ComputedOutput[] {
  const expressions = onDemand.map(({ name, type, default: fallback, meta, expr }) => ({
    ...{ name, type, default: fallback, meta },
    reads: referencedColumns(expr),
  }));
  const ofFunctions = functions.flatMap(({ inputs, outputs, meta }) => {
    const reads = inputs.map(({ name }) => name).filter((name) => name !== AS_OF_INPUT);
    return outputs.map(({ name, type, default: fallback }) => ({
      ...{ name, type, default: fallback, meta, reads },
    }));
  });
  return [...expressions, ...ofFunctions];
}

/** Outputs that depend on what other machines said, of which nothing can be computed again. */
export function outputsOfNetworks({
  functions = [],
}: Pick<ServicePlan, 'functions'>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { network, inputs, outputs } of functions) {
    const asks = network !== null || inputs.some(({ name }) => found.has(name));
    for (const { name } of asks ? outputs : []) found.add(name);
  }
  return found;
}
