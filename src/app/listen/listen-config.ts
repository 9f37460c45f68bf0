import { resolve } from 'node:path';
import { durationMs } from '../../base/duration.ts';
import { type Issue, issue } from '../../base/errors.ts';

/** `listen` of `asof.json`: by which doors requests come in, and how they are closed. */
export interface ListenConfig {
  /** Where gRPC is answered without TLS, over HTTP/2 alone; null: nowhere. */
  readonly grpcPort: number | null;
  /** Null: without. With it HTTP/1.1, HTTP/2 and gRPC are answered on the one port. */
  readonly tls: TlsConfig | null;
  readonly drain: DrainConfig;
  /** Null: requests are not logged. */
  readonly requestLog: RequestLogConfig | null;
}

/** Paths of PEM files. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: string;
  /** Who signs certificates of clients. */
  readonly ca: string | null;
  readonly clientAuth: 'none' | 'request' | 'require';
}

export interface DrainConfig {
  /** Requests go on for so long after the server stopped to call itself ready. */
  readonly graceMs: number;
  /** Requests under way have so long after that; then they are cut. */
  readonly withinMs: number;
}

export interface RequestLogConfig {
  readonly level: 'debug' | 'info' | 'warn';
  /** Of requests that went well, the share that is logged; all others are. */
  readonly sample: number;
  /** Requests that took longer are logged whatever the sample; null: no such. */
  readonly slowMs: number | null;
}

export const NO_LISTEN_CONFIG: ListenConfig = {
  grpcPort: null,
  tls: null,
  drain: { graceMs: 0, withinMs: 25_000 },
  requestLog: null,
};

type Fields = Readonly<Record<string, unknown>>;

/** @param folder of the file, for paths that are relative to it */
export function readListen(
  value: unknown,
  folder: string,
): { readonly listen: ListenConfig; readonly issues: readonly Issue[] } {
  if (value === undefined) return { listen: NO_LISTEN_CONFIG, issues: [] };
  const check = new Checks();
  const fields = check.object(value, 'listen', ['grpcPort', 'tls', 'drain', 'requestLog']);
  const { grpcPort = null } = fields;
  if (grpcPort !== null && !isWhole(grpcPort, 65_535)) {
    check.wrong('listen.grpcPort', grpcPort, 'a port, or 0 for any free one');
  }
  const listen = {
    grpcPort: grpcPort === null ? null : Number(grpcPort),
    tls: fields.tls === undefined ? null : readTls(fields.tls, folder, check),
    drain: fields.drain === undefined ? NO_LISTEN_CONFIG.drain : readDrain(fields.drain, check),
    requestLog: fields.requestLog === undefined ? null : readLog(fields.requestLog, check),
  };
  return { listen, issues: check.issues };
}

function readTls(value: unknown, folder: string, check: Checks): TlsConfig {
  const at = 'listen.tls';
  const fields = check.object(value, at, ['cert', 'key', 'ca', 'clientAuth']);
  const path = (name: string): string => {
    const given = fields[name];
    if (typeof given === 'string' && given !== '') return resolve(folder, given);
    check.wrong(`${at}.${name}`, given, 'the path of a PEM file');
    return '';
  };
  const { ca, clientAuth = 'none' } = fields;
  if (clientAuth !== 'none' && clientAuth !== 'request' && clientAuth !== 'require') {
    check.wrong(`${at}.clientAuth`, clientAuth, "'none', 'request' or 'require'");
  } else if (clientAuth !== 'none' && ca === undefined) {
    check.wrong(`${at}.ca`, ca, 'the path of the PEM file by which clients are known');
  }
  return {
    cert: path('cert'),
    key: path('key'),
    ca: ca === undefined ? null : path('ca'),
    clientAuth: clientAuth === 'request' || clientAuth === 'require' ? clientAuth : 'none',
  };
}

function readDrain(value: unknown, check: Checks): DrainConfig {
  const fields = check.object(value, 'listen.drain', ['grace', 'within']);
  const duration = (name: string, otherwiseMs: number): number => {
    const given = fields[name];
    if (given === undefined) return otherwiseMs;
    try {
      if (typeof given === 'string') return durationMs(given);
    } catch {
      // Told below, with every other wrong setting.
    }
    check.wrong(`listen.drain.${name}`, given, "a duration such as '5s'");
    return otherwiseMs;
  };
  const { graceMs, withinMs } = NO_LISTEN_CONFIG.drain;
  return { graceMs: duration('grace', graceMs), withinMs: duration('within', withinMs) };
}

function readLog(value: unknown, check: Checks): RequestLogConfig {
  const at = 'listen.requestLog';
  const fields = check.object(value, at, ['level', 'sample', 'slowMs']);
  const { level = 'info', sample = 1, slowMs = null } = fields;
  const isLevel = level === 'debug' || level === 'info' || level === 'warn';
  if (!isLevel) check.wrong(`${at}.level`, level, "'debug', 'info' or 'warn'");
  if (!(typeof sample === 'number' && sample >= 0 && sample <= 1)) {
    check.wrong(`${at}.sample`, sample, 'a number from 0 to 1');
  }
  if (slowMs !== null && !(typeof slowMs === 'number' && slowMs >= 0)) {
    check.wrong(`${at}.slowMs`, slowMs, 'a number of milliseconds');
  }
  return {
    level: isLevel ? level : 'info',
    sample: Number(sample),
    slowMs: slowMs === null ? null : Number(slowMs),
  };
}

function isWhole(value: unknown, high: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= high;
}

class Checks {
  readonly issues: Issue[] = [];

  /** The fields of an object; none of what is no object. */
  object(value: unknown, path: string, known: readonly string[]): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrong(path, value, `an object of ${known.join(', ')}`);
      return {};
    }
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue;
      const text = `'${name}' is no setting.`;
      this.issues.push(
        issue('invalid_config', `${path}.${name}`, text, `Known: ${known.join(', ')}.`),
      );
    }
    return { ...value };
  }

  wrong(path: string, value: unknown, expected: string): void {
    const shown = JSON.stringify(value);
    this.issues.push(
      issue('invalid_config', path, `${path} is ${shown}.`, `It must be ${expected}.`),
    );
  }
}
