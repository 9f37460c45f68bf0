import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as h1Request, type IncomingMessage } from 'node:http';
import { constants, connect as h2Connect } from 'node:http2';
import { request as tlsRequest } from 'node:https';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import Fastify from 'fastify';
import { present } from '../../base/assert.ts';
import { silentLogger } from '../../base/logger.ts';
import { pause } from '../../base/pause.ts';
import type { AnyListener } from '../../http/any-version.ts';
import { AUTHORITY, CLIENT, FIRST, type Pair, SECOND } from './certificates.fixture.ts';
import { type ListenConfig, NO_LISTEN_CONFIG } from './listen-config.ts';
import { Listeners } from './listeners.ts';

/** A server whose requests to `/held` wait until they are released. */
async function world(t: TestContext, more: Partial<ListenConfig> = {}, requestWholeMs = 60_000) {
  const held: (() => void)[] = [];
  const answer: AnyListener = (request, response) => {
    const end = (): void => {
      response.setHeader('content-type', 'text/plain');
      response.end(`answer over ${request.httpVersion}`);
    };
    if (request.url === '/held') held.push(end);
    else end();
  };
  const config: ListenConfig = { ...NO_LISTEN_CONFIG, grpcPort: 0, ...more };
  const listeners = new Listeners(config, silentLogger, null, requestWholeMs);
  const http = Fastify({
    serverFactory: () => listeners.serve(answer),
    forceCloseConnections: false,
  });
  const url = await http.listen({ port: 0, host: '127.0.0.1' });
  const grpcUrl = present(await listeners.listenGrpc('127.0.0.1'), 'the port of gRPC');
  t.after(() => listeners.end(http, false));
  return {
    listeners,
    port: Number(new URL(url).port),
    grpcUrl,
    held,
    end: (hasGrace = false) => listeners.end(http, hasGrace),
    until: async (count: number) => {
      while (held.length < count) await pause(5);
    },
  };
}

interface Got {
  readonly text: string;
  readonly response: IncomingMessage;
}

function get(port: number, path: string, agent?: Agent): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { port, path, host: '127.0.0.1', ...(agent === undefined ? {} : { agent }) };
    const sent = h1Request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ text, response }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

function getH2(url: string, path: string, ca?: string) {
  const session = h2Connect(url, ca === undefined ? {} : { ca });
  const goneAway = new Promise<number>((resolve) => session.on('goaway', resolve));
  session.on('error', () => {});
  const stream = session.request({ [constants.HTTP2_HEADER_PATH]: path });
  const text = new Promise<string>((resolve, reject) => {
    let all = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      all += chunk;
    });
    stream.on('end', () => resolve(all));
    stream.on('error', reject);
  });
  return { session, goneAway, text };
}

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });

test('answers under way are not cut, and no connection is taken any more', async (t) => {
  const one = await world(t);
  const overOne = get(one.port, '/held');
  const overTwo = getH2(one.grpcUrl, '/held');
  await one.until(2);
  let hasEnded = false;
  const end = one.end().then(() => {
    hasEnded = true;
  });
  assert.equal(await overTwo.goneAway, constants.NGHTTP2_NO_ERROR);
  assert.equal(await isRefused(one.port), true);
  assert.equal(await isRefused(Number(new URL(one.grpcUrl).port)), true);
  await pause(120);
  assert.equal(hasEnded, false, 'it waits for what is under way');
  for (const release of one.held) release();
  assert.equal((await overOne).text, 'answer over 1.1');
  assert.equal(await overTwo.text, 'answer over 2.0');
  await end;
});

test('in the time of grace requests are answered, and their connections given up', async (t) => {
  const one = await world(t, { drain: { graceMs: 300, withinMs: 5_000 } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const before = await get(one.port, '/', agent);
  assert.equal(before.response.headers.connection, 'keep-alive');
  const end = one.end(true);
  assert.equal(one.listeners.isLeaving, true);
  const during = await get(one.port, '/', agent);
  assert.equal(during.text, 'answer over 1.1');
  assert.equal(during.response.headers.connection, 'close');
  assert.equal(await isRefused(one.port), false);
  await end;
  assert.equal(await isRefused(one.port), true);
});

test('what does not end within its time is cut', async (t) => {
  const one = await world(t, { drain: { graceMs: 0, withinMs: 100 } });
  const overOne = get(one.port, '/held').catch((error: Error) => error);
  const overTwo = getH2(one.grpcUrl, '/held');
  const cut = overTwo.text.catch((error: Error) => error);
  await one.until(2);
  await one.end();
  assert.ok((await overOne) instanceof Error);
  const left = await cut;
  assert.ok(left instanceof Error || left === '');
  overTwo.session.destroy();
});

test('idle connections do not hold up the end', async (t) => {
  const one = await world(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  await get(one.port, '/', agent);
  const idle = getH2(one.grpcUrl, '/');
  await idle.text;
  await one.end();
  assert.equal(await idle.goneAway, constants.NGHTTP2_NO_ERROR);
});

test('a call that does not come to its end is cut, and others are answered', async (t) => {
  const one = await world(t, {}, 150);
  const session = h2Connect(one.grpcUrl);
  t.after(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/held' });
  stream.on('error', () => {});
  const closed = new Promise<number>((resolve) =>
    stream.on('close', () => resolve(stream.rstCode)),
  );
  stream.write('a part of a body');
  assert.equal(await closed, constants.NGHTTP2_CANCEL);
  assert.equal(await getH2(one.grpcUrl, '/').text, 'answer over 2.0');
});

/** A frame of HTTP/2. */
function frame(type: number, payload: Buffer, flags = 0, stream = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

test('floods of settings, pings and headers cost their own connection at most', async (t) => {
  const one = await world(t);
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const settings = frame(4, Buffer.alloc(6 * 40, 1));
  const ping = frame(6, Buffer.alloc(8));
  // Literal headers without an end, as many as one may send.
  const header = Buffer.concat([
    Buffer.from([0, 4]),
    Buffer.from('name'),
    Buffer.from([5]),
    Buffer.from('value'),
  ]);
  const headers = frame(9, Buffer.concat(Array.from({ length: 1000 }, () => header)), 0, 1);
  const opening = frame(1, header, 0, 1);
  const floods = [
    [preface, frame(4, Buffer.alloc(0)), ...Array.from({ length: 5_000 }, () => settings)],
    [preface, frame(4, Buffer.alloc(0)), ...Array.from({ length: 20_000 }, () => ping)],
    [preface, frame(4, Buffer.alloc(0)), opening, ...Array.from({ length: 200 }, () => headers)],
    [Buffer.alloc(100_000, 0xff)],
  ];
  for (const flood of floods) {
    const socket = createConnection({ port: Number(new URL(one.grpcUrl).port), host: '127.0.0.1' });
    socket.on('error', () => {});
    const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.resume();
    socket.end(Buffer.concat(flood));
    await Promise.race([over, pause(2_000)]);
    socket.destroy();
    assert.equal(await getH2(one.grpcUrl, '/').text, 'answer over 2.0');
  }
});

interface TlsFolder {
  readonly tls: NonNullable<ListenConfig['tls']>;
  readonly write: (pair: Pair) => void;
}

async function tlsFolder(t: TestContext, clientAuth: 'none' | 'require'): Promise<TlsFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'asof-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [cert, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name));
  const tls = { cert: cert ?? '', key: key ?? '', ca: ca ?? '', clientAuth };
  writeFileSync(tls.ca, AUTHORITY);
  const write = (pair: Pair): void => {
    writeFileSync(tls.cert, pair.cert);
    writeFileSync(tls.key, pair.key);
  };
  write(FIRST);
  return { tls, write };
}

function nameAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ port, host: '127.0.0.1', ca: AUTHORITY }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

function getTls(port: number, identity: Partial<Pair> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      path: '/',
      ca: AUTHORITY,
      agent: false,
      ...identity,
    };
    const sent = tlsRequest(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('with TLS one port speaks HTTP/1.1 and HTTP/2, and takes renewed certificates', async (t) => {
  const { tls, write } = await tlsFolder(t, 'none');
  const one = await world(t, { tls });
  assert.equal(await getTls(one.port), 'answer over 1.1');
  const second = getH2(`https://127.0.0.1:${one.port}`, '/', AUTHORITY);
  assert.equal(await second.text, 'answer over 2.0');
  assert.equal(await nameAt(one.port), 'first');
  // A certificate without its key is not taken into use.
  writeFileSync(tls.cert, SECOND.cert);
  process.emit('SIGHUP');
  assert.equal(await nameAt(one.port), 'first');
  write(SECOND);
  process.emit('SIGHUP');
  assert.equal(await nameAt(one.port), 'second');
  // The connection that was open goes on, and ends with the server.
  await one.end();
  assert.equal(await second.goneAway, constants.NGHTTP2_NO_ERROR);
});

test('clients show a certificate where that is asked for', async (t) => {
  const { tls } = await tlsFolder(t, 'require');
  const one = await world(t, { tls });
  assert.equal(await getTls(one.port, CLIENT), 'answer over 1.1');
  await assert.rejects(getTls(one.port));
});

test('certificates that do not fit together are told by their setting', async (t) => {
  const { tls } = await tlsFolder(t, 'none');
  writeFileSync(tls.key, SECOND.key);
  const listeners = new Listeners({ ...NO_LISTEN_CONFIG, tls }, silentLogger);
  assert.throws(() => listeners.serve(() => {}), { code: 'invalid_config', path: 'listen.tls' });
});
