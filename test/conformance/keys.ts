import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan, ServicePlan } from '../../src/plan/plan.ts';
import type { Scalar } from '../../src/schema/types.ts';
import type { OracleEvent } from '../../src/testing/platform-oracle.ts';
import { SHOPS, STRINGS, USERS } from './generate-events.ts';
import { requestValue } from './generate-on-demand.ts';

/** A row as a caller may ask for it: known keys, some that no event has, and request fields. */
export function randomKey(random: Random, service: ServicePlan): Record<string, Scalar> {
  return Object.fromEntries([
    ...service.joinKeys.map(({ name }) => [name, keyValue(random, name)] as const),
    ...service.request.map((field) => [field.name, requestValue(random, field)] as const),
  ]);
}

/** A row with the key of an event, as far as it has one. */
export function keyOf(
  random: Random,
  plan: ProjectPlan,
  service: ServicePlan,
  event: OracleEvent | null,
): Record<string, Scalar> {
  const key = randomKey(random, service);
  if (event === null) return key;
  for (const view of plan.views) {
    if (view.source !== event.source) continue;
    for (const [name, column] of Object.entries(view.key)) {
      const value = event.values[column] ?? null;
      if (name in key && value !== null && value !== '') key[name] = value;
    }
  }
  return key;
}

function keyValue(random: Random, name: string): Scalar {
  if (name === 'shop_key') return random.below(8) === 0 ? 404 : random.pick(SHOPS);
  const known: readonly string[] = name === 'user_key' ? USERS : STRINGS;
  const value = random.pick(known);
  // An empty key is refused; a caller cannot ask for it.
  return value === '' || random.below(8) === 0 ? 'nobody' : value;
}
