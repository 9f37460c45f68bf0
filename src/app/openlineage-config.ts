import { resolve } from 'node:path';
import { type Issue, issue } from '../base/errors.ts';

/** Where lineage is told to others; null: nowhere. */
export type OpenLineageConfig =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'http';
      readonly url: string;
      /** By name; their values come from the environment, and are shown nowhere. */
      readonly headers: Readonly<Record<string, string>>;
    }
  | null;

type Environment = Readonly<Record<string, string | undefined>>;

const EXPECTED = '{ "file": "lineage.ndjson" } or { "url": "https://…", "headers": { … } }';

/** Reads `openLineage` of asof.json, and what is wrong with it. */
export function readOpenLineage(
  given: unknown,
  root: string,
  environment: Environment,
): { readonly openLineage: OpenLineageConfig; readonly issues: readonly Issue[] } {
  if (given === null) return { openLineage: null, issues: [] };
  const { file, url, headers = {}, ...rest } = isObject(given) ? given : {};
  if (typeof file === 'string' && file !== '' && url === undefined && isEmpty({ ...rest })) {
    return { openLineage: { kind: 'file', path: resolve(root, file) }, issues: [] };
  }
  if (!isHttp(url) || file !== undefined || !isEmpty(rest) || !isObject(headers)) {
    const message = 'This is nowhere that lineage is told to.';
    const wrong = issue('invalid_config', 'openLineage', message, `It must be ${EXPECTED}.`);
    return { openLineage: null, issues: [wrong] };
  }
  const issues: Issue[] = [];
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const variable = isObject(value) ? value.env : null;
    const found = typeof variable === 'string' ? environment[variable] : undefined;
    if (found !== undefined && HEADER.test(name)) values[name] = found;
    else {
      const remedy = 'It must be { "env": "NAME" } of a variable that is set.';
      const message = 'This is no header with a value of the environment.';
      issues.push(issue('invalid_config', `openLineage.headers.${name}`, message, remedy));
    }
  }
  return { openLineage: { kind: 'http', url, headers: values }, issues };
}

const HEADER = /^[A-Za-z0-9-]+$/;

function isHttp(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}
