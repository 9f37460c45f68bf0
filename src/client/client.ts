import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { type Pause, pause } from '../base/pause.ts';
import { chance } from '../base/random.ts';
import type { ColumnMap } from '../define/column.ts';
import type { Model } from '../define/model.ts';
import type { Service, ServiceKeys, ServiceRequest, ServiceValues } from '../define/service.ts';
import type { Stream } from '../define/stream.ts';
import { COLUMNS_TYPE } from '../schema/columns-format.ts';
import type { FeatureAnswer, PushAnswer } from './answer.ts';
import { decimalFeatures, withDecimals } from './decimals.ts';
import { encodeColumns } from './encode-columns.ts';
import { encodeJson } from './encode-json.ts';
import type { PushedRow, StreamRow } from './stream-row.ts';
import { type CallOptions, send, type Token, type TransportOptions } from './transport.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:6570` */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Who asks, where access control is on: an API key or a JWT, or what gives the one of now. */
  readonly token?: Token;
  /** Of one attempt; 10 s by default. */
  readonly timeoutMs?: number;
  /** Of one call, with all its attempts and the pauses between them; 30 s by default. */
  readonly deadlineMs?: number;
  /** Attempts of one call, the first included; at most, and by default, 3. */
  readonly attempts?: number;
  /** For tests and unusual hosts. */
  readonly fetch?: typeof fetch;
  readonly pause?: Pause;
  /** From 0 to 1: pauses before another attempt are up to a quarter longer. */
  readonly random?: () => number;
}

export interface FeatureOptions extends CallOptions {
  /** How long the server may take for the answer; what the service declares unless given. */
  readonly answerWithinMs?: number;
  /** Features that the caller may not see: `omit` answers null with the status `denied`. */
  readonly onDenied?: 'refuse' | 'omit';
}

/** What can be asked: a service, or a model, which is held to its contract. */
type AnyService = Service<string, object, object, object> | Model<string, object, object, object>;

/** One row of a request: the join keys, and the request fields of a service that has some. */
export type RequestRow<S> = ServiceKeys<S> & ServiceRequest<S>;

/** Feature values and pushed events over HTTP, typed by the definitions. Node and browsers. */
export interface Client {
  /**
   * The values for one entity.
   * @example const { mean_delay_3h } = await client.get(lateFlight, { airport: 'ATL' });
   * @example const { ratio } = await client.get(payment, { user: 'u3', amount: 10.5 });
   * @throws AsofError `contract_violated` where a model refuses what does not fit,
   * `required_feature` where the row failed
   */
  get<S extends AnyService>(
    service: S,
    row: RequestRow<S>,
    options?: FeatureOptions,
  ): Promise<ServiceValues<S>>;
  /**
   * The values for many entities, in their order.
   * @throws AsofError as `get`; `required_feature` where one row failed: `fetch` gives the others
   */
  getMany<S extends AnyService>(
    service: S,
    rows: readonly RequestRow<S>[],
    options?: FeatureOptions,
  ): Promise<ServiceValues<S>[]>;
  /** The values with their envelope: statuses, time, position, versions and freshness. */
  fetch<S extends AnyService>(
    service: S,
    rows: readonly RequestRow<S>[],
    options?: FeatureOptions,
  ): Promise<FeatureAnswer<ServiceKeys<S> & object, ServiceValues<S> & object>>;
  /**
   * Sends events. Rejected rows are no error: the answer lists each with its reason. A retried
   * push may find its own rows taken already: they are rejected as `duplicate` where the source
   * has an id, which is success.
   * @throws AsofError `bad_request` for a row that is no object; then nothing is sent
   */
  push<N extends string, C extends ColumnMap, X>(
    source: Stream<N, C, X>,
    rows: readonly PushedRow<C, X>[],
    options?: CallOptions,
  ): Promise<PushAnswer>;
  /**
   * As `push`, in a binary form (docs/columnar-events.md) that costs the server about two thirds of
   * the CPU of JSON: for batches of hundreds of rows and more. Rows that do not fit the definition
   * go as JSON, so that the server tells what is wrong with each.
   * @throws AsofError `schema_mismatch` where the server's definition has other columns
   */
  pushColumns<N extends string, C extends ColumnMap>(
    source: Stream<N, C>,
    rows: readonly StreamRow<C>[],
    options?: CallOptions,
  ): Promise<PushAnswer>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_DEADLINE_MS = 30_000;

export function createClient(options: ClientOptions): Client {
  const transport: TransportOptions = {
    baseUrl: baseUrl(options.url),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    headers: options.headers ?? {},
    ...(options.token === undefined ? {} : { token: options.token }),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    attempts: options.attempts ?? LIMITS.clientAttempts,
    pause: options.pause ?? pause,
    random: options.random ?? chance,
  };
  return new HttpClient(transport);
}

class HttpClient implements Client {
  readonly #transport: TransportOptions;

  constructor(transport: TransportOptions) {
    this.#transport = transport;
  }

  async get<S extends AnyService>(
    service: S,
    row: RequestRow<S>,
    options: FeatureOptions = {},
  ): Promise<ServiceValues<S>> {
    const [values] = await this.getMany(service, [row], options);
    if (values === undefined) throw new AsofError('internal', 'The answer has no row.');
    return values;
  }

  async getMany<S extends AnyService>(
    service: S,
    rows: readonly RequestRow<S>[],
    options: FeatureOptions = {},
  ): Promise<ServiceValues<S>[]> {
    const answer = await this.fetch(service, rows, options);
    return answer.rows.map((row, at) => {
      if (row.failed !== undefined) throw failedRow(at, row.failed.features);
      return row.values;
    });
  }

  async fetch<S extends AnyService>(
    service: S,
    rows: readonly RequestRow<S>[],
    options: FeatureOptions = {},
  ): Promise<FeatureAnswer<ServiceKeys<S> & object, ServiceValues<S> & object>> {
    const { name, version, node } = service;
    const { answerWithinMs: timeoutMs, onDenied } = options;
    const asked =
      node.kind === 'model' ? { model: `${name}@${version}` } : { service: name, version };
    const body = await send(
      this.#transport,
      {
        method: 'POST',
        path: '/v1/features',
        body: encodeJson({ ...asked, timeoutMs, onDenied, rows }),
        contentType: 'application/json',
        answers: [200],
      },
      options,
    );
    // The server answers by the same definition: name and version together mean one thing.
    const answer = body as FeatureAnswer<ServiceKeys<S> & object, ServiceValues<S> & object>;
    return withDecimals(answer, decimalFeatures(node.kind === 'model' ? node.service : node));
  }

  async push<N extends string, C extends ColumnMap, X>(
    source: Stream<N, C, X>,
    rows: readonly PushedRow<C, X>[],
    options: CallOptions = {},
  ): Promise<PushAnswer> {
    requireRows(rows);
    if (rows.length === 0) return this.#push(source.name, '[]', 'application/json', options);
    const lines = rows.map((row) => `${encodeJson(row)}\n`).join('');
    return this.#push(source.name, lines, 'application/x-ndjson', options);
  }

  async pushColumns<N extends string, C extends ColumnMap>(
    source: Stream<N, C>,
    rows: readonly StreamRow<C>[],
    options: CallOptions = {},
  ): Promise<PushAnswer> {
    requireRows(rows);
    const body = await encodeColumns(source.node, rows);
    if (body === null) return this.push(source, rows, options);
    return this.#push(source.name, body, COLUMNS_TYPE, options);
  }

  async #push(
    source: string,
    body: string | Uint8Array<ArrayBuffer>,
    contentType: string,
    options: CallOptions,
  ): Promise<PushAnswer> {
    const path = `/v1/events/${encodeURIComponent(source)}`;
    const call = { method: 'POST', path, body, contentType, answers: [200, 207, 422] } as const;
    return (await send(this.#transport, call, options)) as PushAnswer;
  }
}

function failedRow(at: number, features: readonly string[]): AsofError {
  const names = features.join(', ');
  return new AsofError('required_feature', `Row ${at} failed: ${names} could not be had.`, {
    path: `rows[${at}]`,
  });
}

/** For callers without types: what is no row has no place in the columns to be judged at. */
function requireRows(rows: readonly unknown[]): void {
  const at = rows.findIndex((row) => typeof row !== 'object' || row === null);
  if (at < 0) return;
  const what = rows[at] === null ? 'null' : typeof rows[at];
  throw new AsofError('bad_request', `Row ${at} is no object of columns: it is ${what}.`, {
    path: `rows[${at}]`,
    remedy: 'Send objects; nothing of this call was sent.',
  });
}

function baseUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new AsofError('invalid_config', `'${url}' is no http address.`, {
      path: 'url',
      remedy: 'Give the address of the server, such as http://127.0.0.1:6570.',
    });
  }
  return url.replace(/\/+$/, '');
}
