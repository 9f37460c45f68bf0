import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { durationMs } from '../base/duration.ts';
import { AsofError, type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Identity } from './access/identity.ts';
import { type ConfigParts, PART_NAMES, readParts } from './config-parts.ts';

/** Where the platform's "now" comes from (semantics §6). */
export type ClockMode = 'wall' | 'arrival';

/** Settings of one project, from `asof.json`; paths are absolute here. */
export interface Config extends ConfigParts {
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
  /** As whom a command works; absent: as nobody in particular. Of no file. */
  readonly identity?: Identity;
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
  const file = readConfigFile(path);
  const settings = Object.fromEntries(
    Object.entries(file).filter(([name]) => !PART_NAMES.includes(name)),
  );
  const values: Record<string, unknown> = { ...DEFAULTS, ...settings };
  for (const name of Object.keys(DEFAULTS)) {
    const fromEnvironment = environment[environmentName(name)];
    if (fromEnvironment !== undefined) values[name] = numberIfNumeric(name, fromEnvironment);
    const given = overrides[name as keyof typeof DEFAULTS];
    if (given !== undefined) values[name] = given;
  }
  const { parts, issues: ofParts } = readParts(file, path, environment);
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
    ...parts,
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

function checkConfig(values: Readonly<Record<string, unknown>>): Issue[] {
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(values)) {
    const check = CHECKS[name as keyof typeof DEFAULTS];
    if (check === undefined) {
      const known = [...Object.keys(CHECKS), ...PART_NAMES].join(', ');
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
