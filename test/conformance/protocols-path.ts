import { createServer } from 'node:http';
import { createServer as createH2Server, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Client, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { type Table, tableFromIPC, type Vector } from 'apache-arrow';
import type { FastifyInstance } from 'fastify';
import { present } from '../../src/base/assert.ts';
import type { AnyListener } from '../../src/http/any-version.ts';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { columnMessage } from '../../src/http/rpc/column-message.ts';
import { FeatureService } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import { canonicalInteger, type FeatureValue, type ValueType } from '../../src/schema/types.ts';
import type { OracleKey, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { statusesIn, valuesIn } from '../serving/rpc-values.ts';
import { serviceOf } from './answers.ts';
import { servedStatuses } from './served-status.ts';
import { type Engine, shownKey, type Tally } from './tally.ts';

/** An answer of any protocol, column by column. */
interface Answered {
  readonly asOfMs: number;
  readonly commit: number;
  readonly values: ReadonlyMap<string, readonly FeatureValue[]>;
  readonly statuses: ReadonlyMap<string, readonly string[]>;
}

/** Real sockets beside the server that is asked without one. */
export class ProtocolDoors {
  readonly #listeners: AnyListener[] = [];
  #app: FastifyInstance | null = null;
  #h2: Http2Server | null = null;
  #sessions: Http2SessionManager | null = null;
  #clients: Readonly<Record<'connect' | 'grpc', Client<typeof FeatureService>>> | null = null;

  /** For the server, which tells its listener. */
  readonly server: NonNullable<HttpDependencies['server']> = (listener) => {
    this.#listeners.push(listener);
    return createServer(listener);
  };

  async open(app: FastifyInstance): Promise<void> {
    const h1 = await app.listen({ port: 0, host: '127.0.0.1' });
    const h2 = createH2Server(present(this.#listeners[0], 'the listener'));
    await new Promise<void>((resolve) => h2.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(h2.address() as AddressInfo).port}`;
    this.#app = app;
    this.#h2 = h2;
    this.#sessions = new Http2SessionManager(baseUrl);
    const grpc = createGrpcTransport({ baseUrl, sessionManager: this.#sessions });
    const connect = createConnectTransport({ baseUrl: h1, httpVersion: '1.1' });
    this.#clients = {
      grpc: createClient(FeatureService, grpc),
      connect: createClient(FeatureService, connect),
    };
  }

  async close(): Promise<void> {
    this.#sessions?.abort();
    this.#app?.server.closeAllConnections();
    await new Promise<void>((resolve) => this.#h2?.close(() => resolve()) ?? resolve());
  }

  /** Asks by one protocol, and holds every value and status to the oracle. */
  async ask(
    tally: Tally,
    engine: 'connect' | 'grpc' | 'arrow',
    oracle: PlatformOracle,
    keys: readonly OracleKey[],
    json: string,
  ): Promise<void> {
    const service = serviceOf(oracle.plan);
    const answered =
      engine === 'arrow'
        ? await this.#arrow(service, json)
        : await this.#rpc(engine, service, keys);
    check(tally, engine, oracle, answered, keys);
  }

  async #rpc(
    protocol: 'connect' | 'grpc',
    { name, joinKeys, request }: ServicePlan,
    keys: readonly OracleKey[],
  ): Promise<Answered> {
    const columns = [...joinKeys, ...request].map((field) =>
      columnMessage(
        field.name,
        field.type,
        keys.map((key) => givenValue(key[field.name] ?? null, field.type)),
      ),
    );
    const client = present(this.#clients, 'the doors are open')[protocol];
    const answer = await client.getFeatures({ service: name, columns });
    return {
      asOfMs: Number(answer.asOfMs),
      commit: Number(answer.commit),
      values: new Map(answer.features.map((one) => [one.name, valuesIn(one)])),
      statuses: new Map(answer.features.map((one) => [one.name, statusesIn(one)])),
    };
  }

  async #arrow({ features, onDemand, functions }: ServicePlan, json: string): Promise<Answered> {
    const app = present(this.#app, 'the doors are open');
    const response = await app.inject({
      ...{ method: 'POST', url: '/v1/features', payload: json },
      headers: {
        'content-type': 'application/json',
        accept: 'application/vnd.apache.arrow.stream',
      },
    });
    const table = tableFromIPC(response.rawPayload);
    const envelope = JSON.parse(table.schema.metadata.get('asof') ?? '{}');
    const outputs = [...features, ...onDemand, ...(functions ?? []).flatMap((one) => one.outputs)];
    return {
      asOfMs: envelope.asOfMs,
      commit: envelope.position.commit,
      values: new Map(
        outputs.map(({ name, type }) => [name, arrowValues(table.getChild(name), type)]),
      ),
      statuses: new Map(outputs.map(({ name }) => [name, arrowStatuses(table, name)])),
    };
  }
}

/** Vectors are texts among the keys of the oracle. */
function givenValue(value: FeatureValue, type: ValueType): FeatureValue {
  return type.kind === 'vector' && typeof value === 'string' ? JSON.parse(value) : value;
}

function check(
  tally: Tally,
  engine: Engine,
  oracle: PlatformOracle,
  { asOfMs, commit, values, statuses }: Answered,
  keys: readonly OracleKey[],
): void {
  const service = serviceOf(oracle.plan);
  keys.forEach((key, i) => {
    const expected = oracle.service(service, key, asOfMs, (event) => event.commit <= commit);
    const right = servedStatuses(oracle, service, expected, asOfMs, commit);
    for (const [name, { value }] of expected) {
      const what = (): string => `${name} for ${shownKey(key)} at ${asOfMs}, commit ${commit}`;
      tally.compare(engine, values.get(name)?.[i], value, what);
      const told = statuses.get(name)?.[i];
      tally.compare(engine, told, right.get(name), () => `the status of ${what()}`);
    }
  });
}

function arrowStatuses(table: Table, name: string): string[] {
  const rows = present(table.getChild('__statuses'), 'the statuses');
  return Array.from({ length: table.numRows }, (_, i) => String(rows.get(i)?.[name]));
}

function arrowValues(column: Vector | null, type: ValueType): FeatureValue[] {
  const all: unknown[] = [...present(column, 'the column of a feature')];
  return all.map((value) => plainValue(value, type));
}

/** What the reader of the format gives, as the platform holds it. */
function plainValue(value: unknown, type: ValueType): FeatureValue {
  if (value === null) return null;
  switch (type.kind) {
    case 'int64':
      return canonicalInteger(value as bigint);
    case 'decimal': {
      const { buffer, byteOffset, length } = (value as Uint32Array).slice();
      const [units] = new BigInt64Array(buffer, byteOffset, length / 2);
      return canonicalInteger(present(units, 'the units'));
    }
    case 'vector':
      return [...(value as Iterable<number>)];
    case 'list':
      return Array.from(value as Iterable<unknown>, (item) => plainValue(item, type.of) as never);
    case 'counts':
      return Array.from(value as Iterable<Record<string, unknown>>, (entry) => ({
        value: plainValue(entry.value, type.of) as never,
        count: Number(entry.count),
      }));
    default:
      return value as FeatureValue;
  }
}
