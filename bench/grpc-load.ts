import { type ClientHttp2Session, connect } from 'node:http2';
import { HttpLoad, type LoadConnection } from './http-load.ts';

const PREFIX_BYTES = 5;
const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** A message as gRPC frames it: a flag, its length, and itself. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Calls over a few sessions of HTTP/2, each stream of them one call. */
export async function openGrpcLoad(
  url: string,
  path: string,
  sessions: number,
  streamsPerSession: number,
): Promise<HttpLoad> {
  const open = await Promise.all(Array.from({ length: sessions }, () => openSession(url)));
  const connections = open.flatMap((session) =>
    Array.from({ length: streamsPerSession }, () => new GrpcConnection(session, path)),
  );
  return new HttpLoad(connections);
}

/** How long the messages are that answer some calls. */
export async function grpcAnswerBytes(
  url: string,
  path: string,
  requests: readonly Buffer[],
): Promise<number[]> {
  const session = await openSession(url);
  const sizes: number[] = [];
  for (const request of requests) {
    const stream = session.request({ ...HEADERS, ':path': path });
    stream.end(request);
    let bytes = -PREFIX_BYTES;
    for await (const chunk of stream) bytes += (chunk as Buffer).length;
    sizes.push(bytes);
  }
  session.close();
  return sizes;
}

function openSession(url: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url, () => resolve(session));
    session.once('error', reject);
  });
}

class GrpcConnection implements LoadConnection {
  readonly #session: ClientHttp2Session;
  readonly #path: string;

  constructor(session: ClientHttp2Session, path: string) {
    this.#session = session;
    this.#path = path;
  }

  start(request: Buffer, done: () => void): void {
    const stream = this.#session.request({ ...HEADERS, ':path': this.#path });
    let status: unknown;
    stream.on('response', (headers) => {
      status = headers['grpc-status'];
    });
    stream.on('trailers', (trailers) => {
      status ??= trailers['grpc-status'];
    });
    stream.on('data', () => {});
    stream.on('end', () => {
      if (status !== '0') throw new Error(`the server ended a call with ${status}`);
      done();
    });
    stream.on('error', (error) => {
      throw error;
    });
    stream.end(request);
  }

  close(): void {
    this.#session.destroy();
  }
}
