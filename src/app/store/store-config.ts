import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Issue, issue } from '../../base/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** An LMDB file that processes of one machine share. */
export interface LmdbStoreConfig {
  readonly kind: 'lmdb';
  /** A folder of its own; null: in the data directory. */
  readonly path: string | null;
}

export interface RedisStoreConfig {
  readonly kind: 'redis';
  /** `redis[s]://host[:port][/db]`; several are nodes of a Cluster. */
  readonly urls: readonly string[];
  readonly isCluster: boolean;
  /** Names this store among others on the same servers. */
  readonly prefix: string;
  readonly username: string | null;
  /** Not enumerable: settings that are written down anywhere do not show it. */
  readonly password: string | null;
  readonly readsReplicas: boolean;
  readonly tlsCa: string | null;
  /** Where readers ask for rows that the store does not hold; null: as the data directory says. */
  readonly primary: string | null;
  /** Not enumerable. */
  readonly primaryKey: string | null;
}

/** Where rows are published for other processes; null: nowhere. */
export type StoreConfig = LmdbStoreConfig | RedisStoreConfig | null;

export const STORE_FOLDER = 'online';

/** The folder of an LMDB store. */
export function storePath(config: { readonly dataDir: string }, store: LmdbStoreConfig): string {
  return store.path ?? join(config.dataDir, STORE_FOLDER);
}

const LMDB_KNOWN = ['kind', 'path'];
const REDIS_KNOWN = [
  'kind',
  'url',
  'nodes',
  'prefix',
  'username',
  'passwordEnv',
  'readReplicas',
  'tlsCaFile',
  'primary',
  'primaryKeyEnv',
];
const PREFIX = /^[A-Za-z0-9_.-]{1,64}$/;
const URL_PATTERN = /^rediss?:\/\//;

interface Read {
  readonly store: StoreConfig;
  readonly issues: readonly Issue[];
}

/** Reads `store` of asof.json. No issue shows an address: it may hold a secret. */
export function readStore(value: unknown, folder: string, environment: Environment): Read {
  if (value === undefined || value === null) return { store: null, issues: [] };
  if (typeof value !== 'object' || Array.isArray(value)) {
    return refused('store', 'store is no object.', 'Write { "kind": "lmdb" }, or leave it out.');
  }
  const fields = { ...value } as Record<string, unknown>;
  if (fields.kind === 'lmdb') return readLmdb(fields, folder);
  if (fields.kind === 'redis') return readRedis(fields, folder, environment);
  const shown = JSON.stringify(fields.kind);
  return refused('store.kind', `store.kind is ${shown}.`, "It must be 'lmdb' or 'redis'.");
}

function refused(path: string, message: string, remedy: string): Read {
  return { store: null, issues: [issue('invalid_config', path, message, remedy)] };
}

function unknownFields(fields: Record<string, unknown>, known: readonly string[]): Issue[] {
  return Object.keys(fields)
    .filter((name) => !known.includes(name))
    .map((name) =>
      issue(
        'invalid_config',
        `store.${name}`,
        `'${name}' is no setting of store.`,
        `Known: ${known.join(', ')}.`,
      ),
    );
}

function readLmdb(fields: Record<string, unknown>, folder: string): Read {
  const issues = unknownFields(fields, LMDB_KNOWN);
  const { path = null } = fields;
  if (path !== null && !(typeof path === 'string' && path !== '')) {
    const remedy = 'It must be the path of a folder, or left out for one in the data directory.';
    issues.push(issue('invalid_config', 'store.path', 'store.path is no path.', remedy));
  }
  if (issues.length > 0) return { store: null, issues };
  return {
    store: { kind: 'lmdb', path: typeof path === 'string' ? resolve(folder, path) : null },
    issues,
  };
}

function readRedis(
  fields: Record<string, unknown>,
  folder: string,
  environment: Environment,
): Read {
  const issues = unknownFields(fields, REDIS_KNOWN);
  const wrong = (name: string, message: string, remedy: string): void => {
    issues.push(issue('invalid_config', `store.${name}`, message, remedy));
  };
  const { url, nodes, prefix, username = null, passwordEnv = null } = fields;
  const isCluster = nodes !== undefined;
  const given: unknown = isCluster ? nodes : [url];
  const urls = Array.isArray(given) ? given.filter(isRedisUrl) : [];
  const isWhole = Array.isArray(given) && urls.length === given.length && urls.length > 0;
  if ((url === undefined) === (nodes === undefined) || !isWhole) {
    const remedy = 'Give either "url": "redis://host:6379", or "nodes": a list of such addresses.';
    wrong('url', 'store has no address of a Redis.', remedy);
  }
  if (!(typeof prefix === 'string' && PREFIX.test(prefix))) {
    const remedy = 'It must be a name of at most 64 letters, digits and _ . -, this store alone.';
    wrong('prefix', 'store.prefix is no name.', remedy);
  }
  if (username !== null && typeof username !== 'string') {
    wrong('username', 'store.username is no text.', 'Leave it out for the default user.');
  }
  const password = typeof passwordEnv === 'string' ? environment[passwordEnv] : undefined;
  if (passwordEnv !== null && (password === undefined || password === '')) {
    const remedy = 'It must be the name of an environment variable that holds the password.';
    wrong('passwordEnv', 'store.passwordEnv names no variable that is set.', remedy);
  }
  const { readReplicas = false } = fields;
  if (typeof readReplicas !== 'boolean') {
    wrong('readReplicas', 'store.readReplicas is no truth value.', 'It must be true or false.');
  }
  const tlsCa = readCa(fields.tlsCaFile, folder);
  if (tlsCa === undefined) {
    wrong('tlsCaFile', 'store.tlsCaFile cannot be read.', 'It must be the path of a PEM file.');
  }
  const { primary, primaryKey } = readPrimary(fields, environment, wrong);
  if (issues.length > 0) return { store: null, issues };
  const store = {
    kind: 'redis' as const,
    urls,
    isCluster,
    prefix: String(prefix),
    username: typeof username === 'string' ? username : null,
    password: null,
    readsReplicas: readReplicas === true,
    tlsCa: tlsCa ?? null,
    primary,
    primaryKey: null,
  };
  Object.defineProperty(store, 'urls', { value: urls, enumerable: false });
  Object.defineProperty(store, 'password', { value: password ?? null, enumerable: false });
  Object.defineProperty(store, 'primaryKey', { value: primaryKey, enumerable: false });
  return { store, issues };
}

/** Both or none: where the primary is, and the key of its data directory. */
function readPrimary(
  { primary = null, primaryKeyEnv = null }: Record<string, unknown>,
  environment: Environment,
  wrong: (name: string, message: string, remedy: string) => void,
): Pick<RedisStoreConfig, 'primary' | 'primaryKey'> {
  if (primary === null && primaryKeyEnv === null) return { primary: null, primaryKey: null };
  const isUrl = typeof primary === 'string' && /^https?:/.test(primary) && URL.canParse(primary);
  if (!isUrl) {
    wrong('primary', 'store.primary is no address.', 'Write "http://host:6566", or leave it out.');
  }
  const key = typeof primaryKeyEnv === 'string' ? (environment[primaryKeyEnv] ?? '').trim() : '';
  if (key === '') {
    const remedy = 'It must name a variable that holds what is in online.key of the primary.';
    wrong('primaryKeyEnv', 'store.primaryKeyEnv names no variable that is set.', remedy);
  }
  return { primary: isUrl ? primary : null, primaryKey: key };
}

function isRedisUrl(value: unknown): value is string {
  return typeof value === 'string' && URL_PATTERN.test(value) && URL.canParse(value);
}

/** Undefined where there should be a file and is none. */
function readCa(value: unknown, folder: string): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') return undefined;
  try {
    return readFileSync(resolve(folder, value), 'utf8');
  } catch {
    return undefined;
  }
}
