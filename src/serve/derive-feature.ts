import type { Faults } from '../expr/faults.ts';
import type { FeatureValue, Single } from '../schema/types.ts';
import type { DerivedRead } from './read-plan.ts';
import { DEFAULT, ERROR, PRESENT, STALE, TIMEOUT, UNAVAILABLE } from './status-codes.ts';

/** Statuses of values that say nothing, and so of nothing that is made of them. */
const NOT_THERE = (1 << TIMEOUT) | (1 << UNAVAILABLE);

/**
 * Computes one feature of others that stand in the slots from `fromSlot` on. It sees the values that
 * are served: defaults included, null for an error. It is no fresher than what it is made of; and
 * where that is not there, it is not there either.
 */
export function deriveFeature(
  { slot, inputs: slots, evaluate, default: otherwise }: DerivedRead,
  values: FeatureValue[],
  statuses: Uint8Array,
  fromSlot: number,
  faults: Faults,
): void {
  const inputs: Single[] = [];
  let seen = 0;
  for (const input of slots) {
    // The plan lets no list or histogram into an expression.
    inputs.push(values[input - fromSlot] as Single);
    seen |= 1 << (statuses[input - fromSlot] as number);
  }
  const at = slot - fromSlot;
  if ((seen & NOT_THERE) !== 0) {
    values[at] = otherwise;
    statuses[at] = (seen & (1 << UNAVAILABLE)) === 0 ? TIMEOUT : UNAVAILABLE;
    return;
  }
  const overflowsBefore = faults.overflow;
  const value = evaluate(inputs);
  if (value !== null) {
    values[at] = value;
    statuses[at] = (seen & (1 << STALE)) === 0 ? PRESENT : STALE;
    return;
  }
  const isBroken = (seen & (1 << ERROR)) !== 0 || faults.overflow !== overflowsBefore;
  values[at] = otherwise;
  statuses[at] = isBroken ? ERROR : DEFAULT;
}
