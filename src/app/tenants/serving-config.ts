import { type Issue, issue } from '../../base/errors.ts';
import { NAMESPACE_PATTERN } from '../../schema/types.ts';
import { NO_QUOTA, type Quota, type Quotas } from '../../serve/admission/quota.ts';

/** How requests for features are let in. */
export interface ServingConfig {
  readonly quotas: Quotas;
}

const RATES = ['requests', 'rows', 'cpuMs'] as const;
const BOUNDS: Readonly<Record<keyof Quota, readonly [least: number, most: number]>> = {
  requests: [1, 1e9],
  rows: [1, 1e9],
  cpuMs: [1, 1e9],
  weight: [0.01, 1_000],
  burstSeconds: [0.1, 60],
};

/** `serving` of `asof.json`, and what is wrong with it. */
export function readServing(value: unknown): {
  readonly serving: ServingConfig;
  readonly issues: readonly Issue[];
} {
  const issues: Issue[] = [];
  const quotas: Record<string, Quota> = {};
  const given = fields(value, 'serving', ['quotas'], issues);
  const byNamespace = fields(given.quotas ?? {}, 'serving.quotas', null, issues);
  for (const [namespace, one] of Object.entries(byNamespace)) {
    const path = `serving.quotas.${namespace}`;
    if (namespace !== '*' && !NAMESPACE_PATTERN.test(namespace)) {
      const remedy = "Name a namespace, 'default' for names without one, or '*' for all others.";
      issues.push(issue('invalid_config', path, `'${namespace}' is no namespace.`, remedy));
      continue;
    }
    const quota: Record<string, number> = {};
    for (const [name, number] of Object.entries(fields(one, path, Object.keys(BOUNDS), issues))) {
      const [least, most] = BOUNDS[name as keyof Quota];
      if (typeof number === 'number' && number >= least && number <= most) quota[name] = number;
      else issues.push(wrong(`${path}.${name}`, number, `a number from ${least} to ${most}`));
    }
    quotas[namespace] = { ...NO_QUOTA, ...quota };
  }
  return { serving: { quotas }, issues };
}

/** Of several processes that answer together, each lets in its part. */
export function partOf({ quotas }: ServingConfig, processes: number): ServingConfig {
  const each = (quota: Quota): Quota => {
    const rates = RATES.map((name) => {
      const rate = quota[name];
      return [name, rate === null ? null : rate / processes] as const;
    });
    return { ...quota, ...Object.fromEntries(rates) };
  };
  return {
    quotas: Object.fromEntries(Object.entries(quotas).map(([name, one]) => [name, each(one)])),
  };
}

/** The fields of an object; what is none, or is not known, is an issue. @param known null: any */
export function fields(
  value: unknown,
  path: string,
  known: readonly string[] | null,
  issues: Issue[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    issues.push(wrong(path, value, 'an object'));
    return {};
  }
  if (known === null) return { ...value };
  const kept: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) {
    if (known.includes(name)) kept[name] = one;
    else {
      const remedy = `Known: ${known.join(', ')}.`;
      issues.push(issue('invalid_config', `${path}.${name}`, `'${name}' is no setting.`, remedy));
    }
  }
  return kept;
}

export function wrong(path: string, value: unknown, expected: string): Issue {
  const shown = JSON.stringify(value);
  return issue('invalid_config', path, `${path} is ${shown}.`, `It must be ${expected}.`);
}
