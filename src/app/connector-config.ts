import { resolve } from 'node:path';
import { type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { NAME_PATTERN } from '../schema/types.ts';

interface NamedConnector {
  /** Names what it has read: a connector of another name begins anew. */
  readonly name: string;
  readonly source: string;
}

/** Reads the files of a folder, or one file. */
export interface FilesConfig extends NamedConnector {
  readonly type: 'files';
  /** Absolute here; a folder if it is one, or if it ends with a slash. */
  readonly path: string;
  readonly format: 'ndjson' | 'csv' | 'parquet';
  readonly suffix: string | null;
  readonly columns: Readonly<Record<string, string | null>>;
  readonly delimiter: string;
  readonly follow: boolean;
  readonly settleMs: number;
  readonly pollMs: number;
}

/** Reads a Kafka topic. */
export interface KafkaConfig extends NamedConnector {
  readonly type: 'kafka';
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly format: 'json' | 'avro' | 'protobuf' | 'json-schema';
  readonly registry: (Credentials & { readonly url: string }) | null;
  readonly start: 'earliest' | 'latest';
  readonly lost: 'refuse' | 'skip';
  readonly tombstones: 'ignore' | 'reject';
  readonly timestampColumn: string | null;
  /** A consumer group that is told what was read, for tools that watch lag. */
  readonly group: string | null;
  readonly tls: boolean;
  readonly sasl: (Required<Credentials> & { readonly mechanism: SaslMechanism }) | null;
}

export type ConnectorConfig = FilesConfig | KafkaConfig;

type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `connectors` of `asof.json`: those that are right, and every issue with the others. */
export function readConnectors(
  value: unknown,
  root: string,
  environment: Environment,
): { readonly connectors: ConnectorConfig[]; readonly issues: Issue[] } {
  const issues: Issue[] = [];
  if (!Array.isArray(value)) {
    issues.push(wrong('connectors', value, 'a list of connectors'));
    return { connectors: [], issues };
  }
  const connectors: ConnectorConfig[] = [];
  value.forEach((one: unknown, index) => {
    const path = `connectors[${index}]`;
    if (typeof one !== 'object' || one === null || Array.isArray(one)) {
      issues.push(wrong(path, one, 'an object'));
      return;
    }
    const settings = new Settings({ ...one }, path, environment);
    const read = readOne(settings, root);
    const found = settings.finish();
    issues.push(...found);
    if (found.length === 0 && read !== null) connectors.push(read);
  });
  const names = connectors.map(({ name }) => name);
  for (const name of new Set(names.filter((one, i) => names.indexOf(one) !== i))) {
    issues.push(issue('invalid_config', 'connectors', `Two connectors are named '${name}'.`));
  }
  return { connectors, issues };
}

function readOne(settings: Settings, root: string): ConnectorConfig | null {
  const type = settings.choice('type', ['files', 'kafka'] as const);
  const isKnown = !settings.hasIssues;
  const name = settings.text(
    'name',
    (text) => NAME_PATTERN.test(text),
    'a name such as flights_in',
  );
  const source = settings.text('source');
  if (!isKnown) return null;
  if (type === 'files') {
    return {
      type,
      name,
      source,
      path: resolvePath(root, settings.text('path')),
      format: settings.choice('format', ['ndjson', 'csv', 'parquet'] as const),
      suffix: settings.optionalText('suffix'),
      columns: settings.mapping('columns'),
      delimiter: settings.text(
        'delimiter',
        (text) => /^[^"\r\n]$/.test(text),
        'one character',
        ',',
      ),
      follow: settings.flag('follow', true),
      settleMs: settings.whole('settleMs', 2_000, 0, 3_600_000),
      pollMs: settings.whole('pollMs', 1_000, 10, 3_600_000),
    };
  }
  return type === 'kafka' ? readKafka(settings, name, source) : null;
}

function readKafka(settings: Settings, name: string, source: string): KafkaConfig {
  const format = settings.choice(
    'format',
    ['json', 'avro', 'protobuf', 'json-schema'] as const,
    'json',
  );
  const registry = settings.group('registry', (group) => {
    const { username, password } = group.credentials();
    const url = group.text('url', (text) => URL.canParse(text), 'the address of a schema registry');
    if (username === null) return { url };
    return { url, username, password: password ?? '' };
  });
  if (format !== 'json' && registry === null)
    settings.refuse('registry', 'is needed by the format');
  return {
    type: 'kafka',
    name,
    source,
    brokers: settings.texts('brokers', (text) => /^[^\s:]+:\d+$/.test(text), 'host:port'),
    topic: settings.text('topic'),
    format,
    registry,
    start: settings.choice('start', ['earliest', 'latest'] as const, 'earliest'),
    lost: settings.choice('lost', ['refuse', 'skip'] as const, 'refuse'),
    tombstones: settings.choice('tombstones', ['ignore', 'reject'] as const, 'ignore'),
    timestampColumn: settings.optionalText('timestampColumn'),
    group: settings.optionalText('group'),
    tls: settings.flag('tls', false),
    sasl: settings.group('sasl', (group) => {
      const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
      const mechanism = group.choice('mechanism', mechanisms);
      const { username, password } = group.credentials();
      if (username === null || password === null)
        group.refuse('password', 'is needed, and username');
      return { mechanism, username: username ?? '', password: password ?? '' };
    }),
  };
}

/** A slash at the end says that it is a folder, even before there is one. */
function resolvePath(root: string, path: string): string {
  return path.endsWith('/') ? `${resolve(root, path)}/` : resolve(root, path);
}

function wrong(path: string, value: unknown, wanted: string): Issue {
  const shown = JSON.stringify(value)?.slice(0, LIMITS.nameLength) ?? 'missing';
  return issue('invalid_config', path, `${path} is ${shown}.`, `It must be ${wanted}.`);
}

/** The settings of one object: each is asked for once, and what nobody asked for is no setting. */
class Settings {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #environment: Environment;
  readonly #issues: Issue[] = [];
  readonly #known = new Set<string>();

  constructor(values: Readonly<Record<string, unknown>>, path: string, environment: Environment) {
    this.#values = values;
    this.#path = path;
    this.#environment = environment;
  }

  /** All that is wrong. Without a type nothing was asked for, so nothing else is said. */
  finish(): Issue[] {
    const unknown = Object.keys(this.#values).filter((name) => !this.#known.has(name));
    if (this.#issues.length > 0 && this.#known.size <= 3) return this.#issues;
    const known = `Known: ${[...this.#known].join(', ')}.`;
    const extra = unknown.map((name) =>
      issue('invalid_config', `${this.#path}.${name}`, `'${name}' is no setting.`, known),
    );
    return [...this.#issues, ...extra];
  }

  get hasIssues(): boolean {
    return this.#issues.length > 0;
  }

  refuse(name: string, why: string): void {
    const path = `${this.#path}.${name}`;
    this.#issues.push(issue('invalid_config', path, `'${name}' ${why}.`));
  }

  #take(name: string): unknown {
    this.#known.add(name);
    return this.#values[name];
  }

  #refuseValue(name: string, value: unknown, wanted: string): void {
    this.#issues.push(wrong(`${this.#path}.${name}`, value, wanted));
  }

  text(
    name: string,
    fits: (text: string) => boolean = () => true,
    wanted = 'a text',
    standard?: string,
  ): string {
    const value = this.#take(name) ?? standard;
    if (typeof value === 'string' && value !== '' && fits(value)) return value;
    this.#refuseValue(name, value, wanted);
    return '';
  }

  optionalText(name: string): string | null {
    return this.#take(name) === undefined ? null : this.text(name);
  }

  texts(name: string, fits: (text: string) => boolean, wanted: string): string[] {
    const value = this.#take(name);
    const texts = Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
    const whole = Array.isArray(value) && value.length > 0 && texts.length === value.length;
    if (!whole || !texts.every(fits)) this.#refuseValue(name, value, `a list of ${wanted}`);
    return texts;
  }

  choice<T extends string>(name: string, options: readonly T[], standard?: T): T {
    const value = this.#take(name) ?? standard;
    const found = options.find((option) => option === value);
    if (found !== undefined) return found;
    this.#refuseValue(name, value, `one of ${options.join(', ')}`);
    return options[0] as T;
  }

  flag(name: string, standard: boolean): boolean {
    const value = this.#take(name) ?? standard;
    if (typeof value === 'boolean') return value;
    this.#refuseValue(name, value, 'true or false');
    return standard;
  }

  whole(name: string, standard: number, low: number, high: number): number {
    const value = this.#take(name) ?? standard;
    if (Number.isInteger(value) && Number(value) >= low && Number(value) <= high) {
      return Number(value);
    }
    this.#refuseValue(name, value, `a whole number from ${low} to ${high}`);
    return standard;
  }

  mapping(name: string): Record<string, string | null> {
    const value = this.#take(name) ?? {};
    const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
    const mapped = entries.flatMap(([from, to]) =>
      typeof to === 'string' || to === null ? [[from, to] as const] : [],
    );
    if (typeof value !== 'object' || Array.isArray(value) || mapped.length < entries.length) {
      this.#refuseValue(name, value, 'names of columns by those of the file; null leaves one out');
    }
    return Object.fromEntries(mapped);
  }

  /** As they stand, or `{ "env": "NAME" }` for what should not stand in a file. */
  credentials(): { readonly username: string | null; readonly password: string | null } {
    return { username: this.#secret('username'), password: this.#secret('password') };
  }

  #secret(name: string): string | null {
    const value = this.#take(name);
    if (value === undefined) return null;
    if (typeof value === 'string') return value;
    const variable = typeof value === 'object' && value !== null && 'env' in value ? value.env : '';
    const found = typeof variable === 'string' ? this.#environment[variable] : undefined;
    // What is wrong is said without the value, which may be a secret.
    if (found === undefined) this.refuse(name, 'is neither a text nor an { "env": … } that is set');
    return found ?? '';
  }

  group<T>(name: string, read: (group: Settings) => T): T | null {
    const value = this.#take(name);
    if (value === undefined || value === null) return null;
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.#refuseValue(name, value, 'an object');
      return null;
    }
    const group = new Settings({ ...value }, `${this.#path}.${name}`, this.#environment);
    const result = read(group);
    this.#issues.push(...group.finish());
    return result;
  }
}
