import { createServer, type Server } from 'node:http';
import {
  constants,
  createServer as createH2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { pause } from '../../base/pause.ts';
import type { AnyListener } from '../../http/any-version.ts';
import { SERVER_OPTIONS } from '../../http/http-server.ts';
import type { ListenConfig } from './listen-config.ts';
import { TlsFiles } from './tls-files.ts';

/** Idle connections are looked for so often while a server drains. */
const LOOK_MS = 50;

/** The health is watched for as long as somebody wants to know. */
const WATCH_PATH = '/grpc.health.v1.Health/Watch';

const H2_OPTIONS: ServerOptions = {
  settings: {
    maxConcurrentStreams: LIMITS.h2Streams,
    maxHeaderListSize: LIMITS.h2HeaderBytes,
    enablePush: false,
  },
  maxHeaderListPairs: LIMITS.h2HeaderPairs,
  maxSettings: LIMITS.h2Settings,
};

/**
 * The servers that requests come in by: one port for HTTP/1.1, or with TLS for everything, and
 * without TLS one more for gRPC. They are opened together, and closed so that no answer is cut.
 */
export class Listeners {
  readonly #config: ListenConfig;
  readonly #logger: Logger;
  readonly #tls: TlsFiles | null;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #main: Server | Http2SecureServer | null = null;
  #grpc: Http2Server | null = null;
  readonly #feastPort: number | null;
  readonly #requestWholeMs: number;
  #feast: Server | Http2SecureServer | null = null;
  #isLeaving = false;

  /** @param feastPort where Feast's clients are answered as well; null: nowhere else */
  constructor(
    config: ListenConfig,
    logger: Logger,
    feastPort: number | null = null,
    requestWholeMs: number = LIMITS.requestWholeMs,
  ) {
    this.#requestWholeMs = requestWholeMs;
    this.#config = config;
    this.#feastPort = feastPort;
    this.#logger = logger;
    this.#tls = config.tls === null ? null : new TlsFiles(config.tls, logger);
  }

  /**
   * The server that the routes are made for; the others answer alike.
   * @throws AsofError `invalid_config` for certificates that cannot be used
   */
  serve(listener: AnyListener): Server {
    const answer: AnyListener = (request, response) => {
      // Whoever keeps its connection is to open the next one elsewhere.
      if (this.#isLeaving && request.httpVersionMajor < 2) {
        response.setHeader('connection', 'close');
      }
      listener(request, response);
    };
    this.#main = this.#web(answer);
    if (this.#feastPort !== null) this.#feast = this.#web(answer);
    if (this.#config.grpcPort !== null) {
      this.#grpc = createH2Server(H2_OPTIONS, answer);
      this.#track(this.#grpc);
    }
    // It has the face of a server of HTTP/1.1, which is all that the framework knows of.
    return this.#main as Server;
  }

  #web(answer: AnyListener): Server | Http2SecureServer {
    const server = this.#tls === null ? plainServer(answer) : this.#secure(answer);
    this.#track(server);
    return server;
  }

  #secure(answer: AnyListener): Http2SecureServer {
    const files = this.#tls as TlsFiles;
    const { clientAuth } = this.#config.tls as NonNullable<ListenConfig['tls']>;
    const options: SecureServerOptions = {
      ...H2_OPTIONS,
      ...files.read(),
      ...SERVER_OPTIONS,
      allowHTTP1: true,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'require',
    };
    const server = createSecureServer(options, answer);
    Object.assign(server, SERVER_OPTIONS);
    files.follow((renewed) => server.setSecureContext(renewed));
    return server;
  }

  #track(server: Server | Http2Server | Http2SecureServer): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.setTimeout(LIMITS.idleConnectionMs, () => session.close());
    });
    server.on('stream', (stream: ServerHttp2Stream, headers: { readonly ':path'?: string }) => {
      if (headers[':path'] === WATCH_PATH) return;
      const cut = (): void => stream.close(constants.NGHTTP2_CANCEL);
      const timer = setTimeout(cut, this.#requestWholeMs);
      stream.once('close', () => clearTimeout(timer));
    });
    // A connection that breaks is nobody's failure.
    server.on('sessionError', () => {});
  }

  get isSecure(): boolean {
    return this.#tls !== null;
  }

  /** Opens the port of gRPC, if there is one; answers where. */
  async listenGrpc(host: string, reusePort = false): Promise<string | null> {
    const { grpcPort } = this.#config;
    if (this.#grpc === null || grpcPort === null) return null;
    return `http://${await opened(this.#grpc, host, grpcPort, reusePort)}`;
  }

  /** Opens the further port of Feast's clients, if there is one; answers where. */
  async listenFeast(host: string, reusePort = false): Promise<string | null> {
    if (this.#feast === null || this.#feastPort === null) return null;
    const scheme = this.isSecure ? 'https' : 'http';
    return `${scheme}://${await opened(this.#feast, host, this.#feastPort, reusePort)}`;
  }

  /** The server calls itself ready no more, so that no balancer sends anybody here. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /**
   * Lets balancers see that the server leaves, and then ends: every request that comes in until the
   * last connection is closed is answered.
   * @param hasGrace whether anybody was sent here
   */
  async end(http: FastifyInstance, hasGrace: boolean): Promise<void> {
    const { graceMs } = this.#config.drain;
    if (!this.#isLeaving && hasGrace && graceMs > 0) {
      this.#isLeaving = true;
      await pause(graceMs);
    }
    this.#isLeaving = true;
    try {
      await this.#drain();
      await http.close();
    } catch (error) {
      this.#logger.error({ error: String(error) }, 'The doors did not close as they should.');
    }
  }

  /**
   * Takes no new connection, and waits for the answers under way, at most as long as configured.
   * HTTP/1.1 is told by `connection: close`, HTTP/2 by GOAWAY.
   */
  async #drain(): Promise<void> {
    this.#tls?.stop();
    const servers = [this.#main, this.#grpc, this.#feast].filter((one) => one !== null);
    const closed = Promise.all(
      servers.map((one) => new Promise<void>((resolve) => one.close(() => resolve()))),
    );
    for (const session of this.#sessions) session.close();
    const looking = setInterval(() => {
      for (const one of servers) if ('closeIdleConnections' in one) one.closeIdleConnections();
    }, LOOK_MS);
    const over = new AbortController();
    const isInTime = await Promise.race([
      closed.then(() => true),
      pause(this.#config.drain.withinMs, over.signal).then(
        () => false,
        () => false,
      ),
    ]).finally(() => clearInterval(looking));
    over.abort();
    // Idle connections that were closed just now may not have said so yet.
    if (!isInTime && this.#sockets.size > 0) {
      this.#logger.warn({ connections: this.#sockets.size }, 'Requests were cut at the end.');
    }
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Answers host and port. */
async function opened(
  server: Server | Http2Server | Http2SecureServer,
  host: string,
  port: number,
  reusePort: boolean,
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: Error & { readonly code?: string }) => {
      const isTaken = cause.code === 'EADDRINUSE';
      const path = `${host}:${port}`;
      const text = isTaken ? `Something else listens on ${path}.` : cause.message;
      reject(new AsofError(isTaken ? 'address_in_use' : 'invalid_config', text, { path, cause }));
    });
    server.listen({ port, host, reusePort }, resolve);
  });
  return `${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}

/** Who takes nothing of an answer for so long is cut; HTTP/2 cuts by the call. */
function plainServer(answer: AnyListener): Server {
  const server = createServer(SERVER_OPTIONS, answer);
  server.timeout = LIMITS.stalledConnectionMs;
  return server;
}
