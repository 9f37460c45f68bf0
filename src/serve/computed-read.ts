import { present } from '../base/assert.ts';
import { compileScalar } from '../expr/compile-scalar.ts';
import type { Faults } from '../expr/faults.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { referencedColumns } from '../expr/references.ts';
import type { ScalarFn } from '../expr/scalar-fn.ts';
import { outputsOfNetworks } from '../plan/function-outputs.ts';
import type { ServicePlan } from '../plan/plan.ts';
import type { Scalar, ValueType } from '../schema/types.ts';

export interface DerivedRead {
  readonly slot: number;
  readonly inputs: readonly number[];
  readonly evaluate: ScalarFn;
  readonly default: Scalar;
}

export interface OutputRead {
  readonly name: string;
  readonly slot: number;
  readonly type: ValueType;
}

/** Expressions over request fields, the service's outputs, and those before. */
export function compileOnDemand(
  service: ServicePlan,
  features: readonly OutputRead[],
  requestSlot: number,
  faults: Faults,
): DerivedRead[] {
  const slots = new Map(features.map(({ name, slot }) => [name, slot]));
  for (const [at, { name }] of service.request.entries()) slots.set(name, requestSlot + at);
  return service.onDemand.map((feature, at) => {
    const names = referencedColumns(feature.expr);
    const slot = requestSlot + service.request.length + at;
    const inputs = names.map((name) => slotOf(slots, name));
    slots.set(feature.name, slot);
    return {
      slot,
      inputs,
      evaluate: compileScalar(feature.expr, names, faults),
      default: scalarOfLiteral(feature.type, feature.default),
    };
  });
}

/** Slots of what functions made of other machines' answers; null as a rule. */
export function askedSlots(
  service: ServicePlan,
  outputs: readonly OutputRead[],
): Set<number> | null {
  const asked = outputsOfNetworks(service);
  if (asked.size === 0) return null;
  return new Set(outputs.filter(({ name }) => asked.has(name)).map(({ slot }) => slot));
}

export function slotOf(slots: ReadonlyMap<string, number>, name: string): number {
  return present(slots.get(name), `the feature '${name}' has a slot`);
}
