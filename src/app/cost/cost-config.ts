import type { Issue } from '../../base/errors.ts';
import { fields, wrong } from '../tenants/serving-config.ts';

/** What things cost, in the currency; null: nobody has said. */
export interface CostConfig {
  readonly currency: string;
  /** For a month of 30 days. */
  readonly perGiBMonth: {
    readonly memory: number | null;
    readonly disk: number | null;
    readonly store: number | null;
    readonly offline: number | null;
  };
}

export const NO_PRICES: CostConfig = {
  currency: 'EUR',
  perGiBMonth: { memory: null, disk: null, store: null, offline: null },
};

/** `cost` of `asof.json`: prices, and what is wrong with them. */
export function readCost(value: unknown): {
  readonly cost: CostConfig;
  readonly issues: readonly Issue[];
} {
  const issues: Issue[] = [];
  const given = fields(value, 'cost', ['currency', 'perGiBMonth'], issues);
  const { currency = NO_PRICES.currency } = given;
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) {
    issues.push(wrong('cost.currency', currency, 'three capital letters, such as EUR'));
  }
  const places = Object.keys(NO_PRICES.perGiBMonth);
  const prices: Record<string, number> = {};
  const path = 'cost.perGiBMonth';
  for (const [name, price] of Object.entries(
    fields(given.perGiBMonth ?? {}, path, places, issues),
  )) {
    if (typeof price === 'number' && price >= 0 && price <= 1e9) prices[name] = price;
    else issues.push(wrong(`${path}.${name}`, price, 'a number of at least 0'));
  }
  return {
    cost: { currency: String(currency), perGiBMonth: { ...NO_PRICES.perGiBMonth, ...prices } },
    issues,
  };
}
