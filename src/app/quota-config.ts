import { type Issue, issue } from '../base/errors.ts';

/** Bounds of one owner; absent ones are none. */
export interface QuotaConfig {
  /** Rows that backfills read on one day, UTC. */
  readonly rowsPerDay?: number;
  /** Bytes of tile files. */
  readonly bytes?: number;
}

const KNOWN = ['rowsPerDay', 'bytes'];

/** `quotas` of `asof.json`: bounds by owner, and what is wrong with them. */
export function readQuotas(value: unknown): {
  readonly quotas: Readonly<Record<string, QuotaConfig>>;
  readonly issues: readonly Issue[];
} {
  if (!isObject(value)) {
    return { quotas: {}, issues: [wrong('quotas', value, 'an object of bounds by owner')] };
  }
  const quotas: Record<string, QuotaConfig> = {};
  const issues: Issue[] = [];
  for (const [owner, bounds] of Object.entries(value)) {
    const path = `quotas.${owner}`;
    if (!isObject(bounds)) {
      issues.push(wrong(path, bounds, `an object of ${KNOWN.join(' and ')}`));
      continue;
    }
    for (const [name, bound] of Object.entries(bounds)) {
      if (!KNOWN.includes(name)) {
        issues.push(issue('invalid_config', `${path}.${name}`, `'${name}' is no bound.`));
      } else if (!(Number.isSafeInteger(bound) && Number(bound) > 0)) {
        issues.push(wrong(`${path}.${name}`, bound, 'a whole number of at least 1'));
      }
    }
    quotas[owner] = {
      ...(bounds.rowsPerDay === undefined ? {} : { rowsPerDay: Number(bounds.rowsPerDay) }),
      ...(bounds.bytes === undefined ? {} : { bytes: Number(bounds.bytes) }),
    };
  }
  return { quotas, issues };
}

function wrong(path: string, value: unknown, expected: string): Issue {
  const shown = JSON.stringify(value);
  return issue('invalid_config', path, `${path} is ${shown}.`, `It must be ${expected}.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
