import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect as h2Connect } from 'node:http2';
import type { TestContext } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Code } from '@connectrpc/connect';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import {
  ErrorDetailSchema,
  GetFeaturesRequestSchema,
} from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import type { RpcWorld } from './rpc-world.ts';

export const METHOD = '/asof.v1.FeatureService/GetFeatures';

export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Ended {
  /** Of HTTP. */
  readonly status: number;
  readonly code: Code | null;
  /** Of the platform; null where the call went well. */
  readonly own: string | null;
  /** Of gRPC: as its header tells it. */
  readonly message?: string;
}

const GOOD = create(GetFeaturesRequestSchema, {
  service: 'airport_now',
  columns: [{ name: 'airport', values: { case: 'strings', value: { values: ['ATL', 'x'] } } }],
});
export const GOOD_BYTES = toBinary(GetFeaturesRequestSchema, GOOD);

export function framed(message: Uint8Array, flags = 0, length = message.length): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Sends whatever it is given, and tells how the call ended. */
export class Prober {
  readonly #rpc: RpcWorld;
  readonly #session: ClientHttp2Session;

  constructor(t: TestContext, rpc: RpcWorld) {
    this.#rpc = rpc;
    this.#session = h2Connect(rpc.h2Url);
    t.after(() => this.#session.destroy());
  }

  grpc({ path, headers, body }: Sent): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const type = { 'content-type': 'application/grpc', te: 'trailers' };
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': path,
        ...type,
        ...headers,
      });
      let status = 0;
      const found = new Headers();
      const keep = (all: object): void => {
        for (const [name, value] of Object.entries(all)) {
          if (!name.startsWith(':') && typeof value === 'string') found.set(name, value);
        }
      };
      stream.on('response', (all) => {
        status = Number(all[':status']);
        keep(all);
      });
      stream.on('trailers', keep);
      stream.on('error', reject);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('close', () => {
        const whole = Buffer.concat(chunks);
        const isWeb = found.get('content-type')?.startsWith('application/grpc-web') === true;
        if (isWeb) for (const [name, value] of trailersIn(whole)) found.set(name, value);
        if (found.get('content-type')?.startsWith('application/json') === true) {
          resolve(jsonEnd(status, whole));
          return;
        }
        const error = findTrailerError(found);
        if (error === undefined) resolve({ status, code: null, own: null });
        else {
          const own = error.findDetails(ErrorDetailSchema)[0]?.code ?? null;
          const message = decodeURIComponent(found.get('grpc-message') ?? '');
          resolve({ status, code: error.code, own, message });
        }
      });
      stream.end(body);
    });
  }

  async connect({ path, headers, body }: Sent): Promise<Ended> {
    const response = await fetch(`${this.#rpc.h1Url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/proto', ...headers },
      body: Buffer.from(body),
    });
    return jsonEnd(response.status, Buffer.from(await response.arrayBuffer()));
  }

  async stillAnswers(): Promise<void> {
    const path = METHOD;
    const good = { path, headers: {} };
    const grpc = await this.grpc({ ...good, body: framed(GOOD_BYTES) });
    assert.deepEqual(grpc, { status: 200, code: null, own: null });
    const connect = await this.connect({ ...good, body: GOOD_BYTES });
    assert.deepEqual(connect, { status: 200, code: null, own: null });
  }
}

function jsonEnd(status: number, body: Buffer): Ended {
  if (status === 200) return { status, code: null, own: null };
  const answer = JSON.parse(body.toString());
  // What is no call of a protocol is refused as by any other route.
  if (answer.error !== undefined) return { status, code: null, own: answer.error.code };
  return { status, code: answer.code, own: answer.details?.[0]?.debug?.code ?? null };
}

/** Of gRPC-Web: the last frame. */
function trailersIn(body: Buffer): [string, string][] {
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    if ((body[at] ?? 0) >= 0x80) {
      const lines = body
        .subarray(at + 5, end)
        .toString()
        .trim()
        .split(/\r\n/);
      return lines.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
    }
    at = end;
  }
  return [];
}
