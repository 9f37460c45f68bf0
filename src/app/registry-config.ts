import { type Issue, issue } from '../base/errors.ts';
import type { RegistryAddress } from '../registry/database.ts';
import { NAMESPACE_PATTERN } from '../schema/types.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the registry is, as `asof.json` says it: a PostgreSQL, or null for a file. */
export type PostgresRegistry = Extract<RegistryAddress, { kind: 'postgres' }> | null;

/** PostgreSQL has names of 63 bytes; the channel of changes is `asof_` and the schema's. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,57}$/;
const KNOWN = ['postgres', 'schema', 'connections'];
const CONNECTIONS_MAX = 64;

/**
 * Reads `registry` of asof.json. No issue shows what was given for the URL: it may be a secret that
 * was put in the wrong place.
 */
export function readRegistry(
  value: unknown,
  environment: Environment,
): { readonly registry: PostgresRegistry; readonly issues: readonly Issue[] } {
  if (value === null) return { registry: null, issues: [] };
  const wrong = (path: string, message: string, remedy: string) =>
    issue('invalid_config', path, message, remedy);
  if (typeof value !== 'object' || Array.isArray(value)) {
    const remedy = 'It must be { "postgres": { "env": "NAME" } }, or left out for a file.';
    return { registry: null, issues: [wrong('registry', 'registry is no object.', remedy)] };
  }
  const { postgres, schema, connections, ...others } = { ...value } as Record<string, unknown>;
  const issues = Object.keys(others).map((name) =>
    wrong(
      `registry.${name}`,
      `'${name}' is no setting of registry.`,
      `Known: ${KNOWN.join(', ')}.`,
    ),
  );
  const url = urlOf(postgres, environment);
  if (url === null) {
    const remedy = 'It must be { "env": "NAME" } of a variable that holds postgres://…';
    issues.push(wrong('registry.postgres', 'There is no URL of a PostgreSQL.', remedy));
  }
  if (schema !== undefined && !(typeof schema === 'string' && SCHEMA.test(schema))) {
    const remedy = 'It must be a name of at most 58 small letters, digits and underscores.';
    issues.push(wrong('registry.schema', 'The schema has no name that is allowed.', remedy));
  }
  const isCount = Number.isInteger(connections) && Number(connections) >= 1;
  if (connections !== undefined && !(isCount && Number(connections) <= CONNECTIONS_MAX)) {
    const remedy = `It must be a whole number from 1 to ${CONNECTIONS_MAX}.`;
    issues.push(wrong('registry.connections', 'connections is no such number.', remedy));
  }
  if (url === null || issues.length > 0) return { registry: null, issues };
  const registry = {
    ...({ kind: 'postgres', url } as const),
    ...(typeof schema === 'string' ? { schema } : {}),
    ...(typeof connections === 'number' ? { connections } : {}),
  };
  // Settings that are written down anywhere do not show the secret.
  Object.defineProperty(registry, 'url', { value: url, enumerable: false });
  return { registry, issues };
}

function urlOf(given: unknown, environment: Environment): string | null {
  const isVariable = typeof given === 'object' && given !== null && 'env' in given;
  const url = isVariable ? environment[String(given.env)] : given;
  if (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url)) return null;
  try {
    new URL(url);
    return url;
  } catch {
    return null;
  }
}

/** Reads `namespaces` of asof.json: whose definitions the project applies; null for all. */
export function readNamespaces(value: unknown): {
  readonly namespaces: readonly string[] | null;
  readonly issues: readonly Issue[];
} {
  if (value === null) return { namespaces: null, issues: [] };
  const isList =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === 'string' && NAMESPACE_PATTERN.test(one));
  if (isList) return { namespaces: [...new Set(value)].sort(), issues: [] };
  const message = `namespaces is ${JSON.stringify(value)}.`;
  const remedy = 'It must be a list of names such as ["fraud"], or left out for all of them.';
  return { namespaces: null, issues: [issue('invalid_config', 'namespaces', message, remedy)] };
}
