import { resolve } from 'node:path';
import { type Issue, issue } from '../base/errors.ts';
import { sqlString } from '../ingest/archive-relation.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What tables need of the place where they are read. */
export interface UpstreamConfig {
  /** The folder of DuckDB's extensions, for object storage; null where there is none. */
  readonly duckdbExtensions: string | null;
  /** URLs of PostgreSQL by the names that tables give. */
  readonly postgres: Readonly<Record<string, string>>;
}

/** Reads `duckdbExtensions` and `postgres` of asof.json. */
export function readUpstreams(
  extensions: unknown,
  postgres: unknown,
  root: string,
  environment: Environment,
): UpstreamConfig & { readonly issues: readonly Issue[] } {
  const issues: Issue[] = [];
  if (extensions !== null && (typeof extensions !== 'string' || extensions === '')) {
    const message = `duckdbExtensions is ${JSON.stringify(extensions)}.`;
    issues.push(issue('invalid_config', 'duckdbExtensions', message, 'It must be a folder.'));
  }
  const urls: Record<string, string> = {};
  const listed = typeof postgres === 'object' && postgres !== null ? postgres : { postgres };
  for (const [name, given] of Object.entries(listed)) {
    const url = urlOf(given, environment);
    if (url !== null) urls[name] = url;
    else {
      const remedy = 'It must be a URL, or { "env": "NAME" } of a variable that is set.';
      const message = 'This is no URL of a PostgreSQL.';
      issues.push(issue('invalid_config', `postgres.${name}`, message, remedy));
    }
  }
  const folder = typeof extensions === 'string' ? resolve(root, extensions) : null;
  return { duckdbExtensions: folder, postgres: urls, issues };
}

function urlOf(given: unknown, environment: Environment): string | null {
  if (typeof given === 'object' && given !== null && 'env' in given) {
    return environment[String(given.env)] ?? null;
  }
  return typeof given === 'string' && /^postgres(ql)?:\/\//.test(given) ? given : null;
}

/** DuckDB's settings of S3 by the variables that AWS's own tools read. */
const S3_SETTINGS: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: 's3_access_key_id',
  AWS_SECRET_ACCESS_KEY: 's3_secret_access_key',
  AWS_SESSION_TOKEN: 's3_session_token',
  AWS_DEFAULT_REGION: 's3_region',
  AWS_REGION: 's3_region',
};

/** Statements that give DuckDB the credentials of object storage that the environment has. */
export function objectStorageSettings(environment: Environment): string[] {
  const settings = Object.entries(S3_SETTINGS).flatMap(([variable, setting]) => {
    const value = environment[variable];
    return value === undefined ? [] : [`SET ${setting} = ${sqlString(value)}`];
  });
  const endpoint = environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL;
  if (endpoint !== undefined) {
    const { host, protocol } = new URL(endpoint);
    settings.push(`SET s3_endpoint = ${sqlString(host)}`, `SET s3_url_style = 'path'`);
    settings.push(`SET s3_use_ssl = ${protocol === 'https:'}`);
  }
  const { GCS_ACCESS_KEY_ID: key, GCS_SECRET_ACCESS_KEY: secret } = environment;
  if (key !== undefined && secret !== undefined) {
    settings.push(
      `CREATE OR REPLACE SECRET asof_gcs (TYPE gcs, KEY_ID ${sqlString(key)}, SECRET ${sqlString(secret)})`,
    );
  }
  return settings;
}
