import { createServer as createH1, type Server } from 'node:http';
import { createServer as createH2, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { present } from '../../src/base/assert.ts';
import type { AnyListener } from '../../src/http/any-version.ts';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { FeatureService } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { createHttpWorld, type HttpWorld } from './http-world.ts';
import type { ServingWorld } from './world.ts';

export interface RpcWorld {
  readonly http: HttpWorld;
  readonly h1Url: string;
  readonly h2Url: string;
  /** One for each protocol. */
  readonly clients: Readonly<Record<Protocol, Client<typeof FeatureService>>>;
  readonly transports: Readonly<Record<Protocol, Transport>>;
}

export const PROTOCOLS = ['connect', 'connect json', 'connect h2', 'grpc', 'grpc-web'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** A server on real sockets: HTTP/1.1 on one port and HTTP/2 without TLS on another. */
export async function createRpcWorld(
  t: TestContext,
  more: Partial<HttpDependencies> = {},
  world?: ServingWorld,
): Promise<RpcWorld> {
  const given: AnyListener[] = [];
  const server = (listener: AnyListener): Server => {
    given.push(listener);
    return createH1(listener);
  };
  const http = await createHttpWorld(t, { ...more, server }, world);
  const h1Url = await http.app.listen({ port: 0, host: '127.0.0.1' });
  const h2 = createH2(present(given[0], 'the listener'));
  const sessions = new Set<ServerHttp2Session>();
  h2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const h2Url = await listening(h2);
  t.after(async () => {
    for (const session of sessions) session.destroy();
    h2.close();
    http.app.server.closeAllConnections();
  });
  const transports = transportsOf(h1Url, h2Url);
  const clients = Object.fromEntries(
    PROTOCOLS.map((name) => [name, createClient(FeatureService, transports[name])]),
  ) as RpcWorld['clients'];
  return { http, h1Url, h2Url, clients, transports };
}

function listening(server: Http2Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

function transportsOf(h1: string, h2: string): Readonly<Record<Protocol, Transport>> {
  return {
    connect: createConnectTransport({ baseUrl: h1, httpVersion: '1.1' }),
    'connect json': createConnectTransport({
      baseUrl: h1,
      httpVersion: '1.1',
      useBinaryFormat: false,
    }),
    'connect h2': createConnectTransport({ baseUrl: h2, httpVersion: '2' }),
    grpc: createGrpcTransport({ baseUrl: h2 }),
    'grpc-web': createGrpcWebTransport({ baseUrl: h1, httpVersion: '1.1' }),
  };
}
