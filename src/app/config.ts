import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { durationMs } from '../base/duration.ts';
import { AsofError, type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Identity } from './access/identity.ts';
import { type IssuerConfig, readIssuers } from './access/issuers-config.ts';
import { type ConnectorConfig, readConnectors } from './connector-config.ts';
import { readImports } from './imports-config.ts';
import { type OpenLineageConfig, readOpenLineage } from './openlineage-config.ts';
import { type PrivacyConfig, readPrivacy } from './privacy/privacy-config.ts';
import { type QuotaConfig, readQuotas } from './quota-config.ts';
import { type PostgresRegistry, readNamespaces, readRegistry } from './registry-config.ts';
import { type RetentionConfig, readRetention } from './retention-config.ts';
import { readUpstreams, type UpstreamConfig } from './upstream-config.ts';

/** Where the platform's "now" comes from (semantics §6). */
export type ClockMode = 'wall' | 'arrival';

/** Settings of one project, from `asof.json`; paths are absolute here. */
export interface Config extends UpstreamConfig {
  /** The folder of `asof.json`. */
  readonly root: string;
  readonly definitions: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly clock: ClockMode;
  /** Share of answers kept for verification, 0 to 1. */
  readonly serveLogRate: number;
  /** Memory that DuckDB may use before it spills to disk. */
  readonly batchMemoryMiB: number;
  readonly threads: number;
  /** A log segment is cut once it is archived, checkpointed and outside the dedupe horizon. */
  readonly archiveEverySeconds: number;
  /** Memory that the state may take; what is more and saved waits on disk. */
  readonly stateMemoryMiB: number;
  /** What pushes do while the state cannot be saved: wait and come again, or go on regardless. */
  readonly onStoreFailure: 'slow' | 'continue';
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** How long after its end a day of tiles may change unrecorded: `observed`, or a duration. */
  readonly grace: string;
  /** What owners may use offline, by the `owner` of their views; of the file alone. */
  readonly quotas: Readonly<Record<string, QuotaConfig>>;
  /** How long what nothing needs is kept; of the file alone. */
  readonly retention: RetentionConfig;
  /** Who signs tokens that are accepted; of the file alone. */
  readonly issuers: readonly IssuerConfig[];
  /** As whom a command works; absent: as nobody in particular. Of no file. */
  readonly identity?: Identity;
  /** What is read by the server itself, besides what is pushed; of the file alone. */
  readonly connectors: readonly ConnectorConfig[];
  /** Where the key of tokens comes from; of the file alone. */
  readonly privacy: PrivacyConfig;
  /** A PostgreSQL that the registry is in; null: a file of the data directory. Of the file alone. */
  readonly registry: PostgresRegistry;
  /** Where lineage is told to others; null: nowhere. Of the file alone. */
  readonly openLineage: OpenLineageConfig;
  /** Whose definitions the project applies; null: those of all. Of the file alone. */
  readonly namespaces: readonly string[] | null;
  /** Folders beside the project's own from which definitions may import; of the file alone. */
  readonly imports: readonly string[];
}

const DEFAULTS = {
  definitions: 'features.ts',
  dataDir: '.asof',
  host: '127.0.0.1',
  port: 6570,
  clock: 'wall',
  serveLogRate: 1,
  batchMemoryMiB: 2048,
  threads: 2,
  archiveEverySeconds: 60,
  stateMemoryMiB: LIMITS.stateMemoryBytes / 2 ** 20,
  onStoreFailure: 'slow',
  logLevel: 'warn',
  grace: 'observed',
} as const;

export const CONFIG_FILE = 'asof.json';

/** Settings that the command line gives over those of the file. */
export type ConfigOverrides = { readonly [K in keyof typeof DEFAULTS]?: unknown };

/**
 * Reads `asof.json` in a folder; a missing file means the defaults.
 * Order of precedence: command line, environment (`ASOF_PORT`), file, default.
 * @throws AsofError `invalid_config` with every wrong setting
 */
export function loadConfig(
  folder: string,
  overrides: ConfigOverrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const path = resolve(folder, CONFIG_FILE);
  const {
    connectors: listed = [],
    quotas: bounds = {},
    retention: kept = {},
    access = {},
    privacy: secrecy,
    duckdbExtensions = null,
    postgres = {},
    registry: place = null,
    namespaces: owned = null,
    imports: shared = [],
    openLineage: told = null,
    ...settings
  } = readConfigFile(path);
  const values: Record<string, unknown> = { ...DEFAULTS, ...settings };
  for (const name of Object.keys(DEFAULTS)) {
    const fromEnvironment = environment[environmentName(name)];
    if (fromEnvironment !== undefined) values[name] = numberIfNumeric(name, fromEnvironment);
    const given = overrides[name as keyof typeof DEFAULTS];
    if (given !== undefined) values[name] = given;
  }
  const { connectors, issues: connectorIssues } = readConnectors(
    listed,
    dirname(path),
    environment,
  );
  const { quotas, issues: quotaIssues } = readQuotas(bounds);
  const { retention, issues: retentionIssues } = readRetention(kept);
  const { privacy, issues: privacyIssues } = readPrivacy(secrecy, dirname(path));
  const { issuers, issues: issuerIssues } = readIssuers(access, dirname(path));
  const { registry, issues: registryIssues } = readRegistry(place, environment);
  const { namespaces, issues: namespaceIssues } = readNamespaces(owned);
  const { imports, issues: importIssues } = readImports(shared, dirname(path));
  const { openLineage, issues: lineageIssues } = readOpenLineage(told, dirname(path), environment);
  const upstreams = readUpstreams(duckdbExtensions, postgres, dirname(path), environment);
  const { issues: upstreamIssues, ...upstream } = upstreams;
  const ofParts = [
    ...issuerIssues,
    ...privacyIssues,
    ...connectorIssues,
    ...quotaIssues,
    ...retentionIssues,
    ...upstreamIssues,
    ...registryIssues,
    ...namespaceIssues,
    ...importIssues,
    ...lineageIssues,
  ];
  const issues = [...checkConfig(values), ...ofParts];
  if (issues.length > 0) {
    throw new AsofError('invalid_config', `${path} has ${issues.length} wrong setting(s).`, {
      path,
      issues,
    });
  }
  const root = dirname(path);
  return {
    ...(values as unknown as Config),
    ...upstream,
    connectors,
    registry,
    namespaces,
    imports,
    openLineage,
    issuers,
    privacy,
    quotas,
    retention,
    root,
    definitions: resolve(root, String(values.definitions)),
    dataDir: resolve(root, String(values.dataDir)),
  };
}

function environmentName(setting: string): string {
  return `ASOF_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function numberIfNumeric(name: string, text: string): unknown {
  return typeof DEFAULTS[name as keyof typeof DEFAULTS] === 'number' ? Number(text) : text;
}

function readConfigFile(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('invalid_config', `${path} is not JSON: ${reason}`, { path, cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new AsofError('invalid_config', `${path} must hold one JSON object.`, { path });
  }
  return { ...parsed };
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isWhole = (low: number, high: number) => (value: unknown) =>
  Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
const oneOf = (options: readonly string[]) => (value: unknown) =>
  typeof value === 'string' && options.includes(value);

function isGrace(value: unknown): boolean {
  if (value === 'observed') return true;
  try {
    return typeof value === 'string' && durationMs(value) > 0;
  } catch {
    return false;
  }
}

const CHECKS: Readonly<Record<keyof typeof DEFAULTS, readonly [(v: unknown) => boolean, string]>> =
  {
    definitions: [isText, 'a path to the definitions file'],
    dataDir: [isText, 'a path to the data directory'],
    host: [isText, 'an address to listen on'],
    port: [isWhole(0, 65_535), 'a whole number from 0 (any free port) to 65535'],
    clock: [oneOf(['wall', 'arrival']), "'wall' or 'arrival'"],
    serveLogRate: [
      (value) => typeof value === 'number' && value >= 0 && value <= 1,
      'a number from 0 to 1',
    ],
    batchMemoryMiB: [isWhole(64, 1_048_576), 'whole MiB, at least 64'],
    threads: [isWhole(1, 256), 'a whole number of at least 1'],
    archiveEverySeconds: [isWhole(1, 86_400), 'whole seconds from 1 to 86400'],
    stateMemoryMiB: [isWhole(16, 1_048_576), 'whole MiB, at least 16'],
    onStoreFailure: [oneOf(['slow', 'continue']), "'slow' or 'continue'"],
    logLevel: [oneOf(['debug', 'info', 'warn', 'error', 'silent']), 'a level such as info or warn'],
    grace: [isGrace, "'observed', or a duration such as '48h'"],
  };

const OF_THE_FILE = [
  'access',
  'connectors',
  'duckdbExtensions',
  'imports',
  'namespaces',
  'openLineage',
  'postgres',
  'privacy',
  'quotas',
  'registry',
  'retention',
];

function checkConfig(values: Readonly<Record<string, unknown>>): Issue[] {
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(values)) {
    const check = CHECKS[name as keyof typeof DEFAULTS];
    if (check === undefined) {
      const known = [...Object.keys(CHECKS), ...OF_THE_FILE].join(', ');
      issues.push(issue('invalid_config', name, `'${name}' is no setting.`, `Known: ${known}.`));
    } else if (!check[0](value)) {
      const shown = JSON.stringify(value);
      issues.push(issue('invalid_config', name, `${name} is ${shown}.`, `It must be ${check[1]}.`));
    }
  }
  return issues;
}

export function logFolder(config: Config): string {
  return join(config.dataDir, 'log');
}
