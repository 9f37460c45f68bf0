import assert from 'node:assert/strict';
import { createServer, type Server, Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { stopwatchMs, systemClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import { pause } from '../../src/base/pause.ts';
import { seededRandom } from '../../src/base/random.ts';
import { processTimers } from '../../src/base/timers.ts';
import { GuardedRows } from '../../src/store/guarded-rows.ts';
import { RedisRows } from '../../src/store/rows/redis-rows.ts';
import { type NetworkFault, TcpProxy } from './tcp-proxy.ts';

/** Answers every line with itself, which is nothing that Redis would say. */
let echo: Server;
let echoPort = 0;

before(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const address = echo.address();
  echoPort = typeof address === 'object' && address !== null ? address.port : 0;
});

after(() => echo.close());

/** What comes back for a text until the connection ends, or so many bytes are there. */
async function throughProxy(proxy: TcpProxy, text: string, wanted: number): Promise<string> {
  const socket = new Socket();
  socket.on('error', () => {});
  const got: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const enough = (): boolean => Buffer.concat(got).length >= wanted;
    socket.on('data', (bytes: Buffer) => {
      got.push(bytes);
      if (enough()) resolve();
    });
    socket.on('close', () => resolve());
    socket.connect(proxy.port, '127.0.0.1', () => {
      socket.write(text);
      if (enough()) resolve();
    });
  });
  socket.destroy();
  return Buffer.concat(got).toString('latin1');
}

test('the proxy does to a connection what it is told', async () => {
  const proxy = await TcpProxy.start(echoPort, seededRandom(1));
  const text = 'x'.repeat(2_000);
  try {
    assert.equal(await throughProxy(proxy, text, text.length), text);
    proxy.fault = 'slow';
    assert.equal(await throughProxy(proxy, text, text.length), text);
    proxy.fault = 'cut';
    assert.ok((await throughProxy(proxy, text, text.length)).length < text.length);
    proxy.fault = 'garbage';
    const changed = await throughProxy(proxy, text, text.length);
    assert.ok(changed.length === text.length && changed !== text);
    proxy.fault = 'refused';
    assert.equal(await throughProxy(proxy, text, text.length), '');
    assert.equal(proxy.connections, 5);
  } finally {
    await proxy.close();
  }
});

const FAULTS: readonly NetworkFault[] = [
  'well',
  'slow',
  'cut',
  'half',
  'black hole',
  'garbage',
  'refused',
];

for (const fault of FAULTS) {
  test(`what is no Redis at all, over a network that is ${fault}, is a store that is away`, async () => {
    const proxy = await TcpProxy.start(echoPort, seededRandom(2));
    proxy.fault = fault;
    const rows = new RedisRows({
      ...{ urls: [`redis://127.0.0.1:${proxy.port}`], isCluster: false, prefix: 'asof' },
      ...{ readsReplicas: false, random: seededRandom(3), clock: systemClock, stopwatchMs, pause },
      onError: () => {},
    });
    const guarded = new GuardedRows(rows, { timers: processTimers, random: seededRandom(4) });
    try {
      for (let i = 0; i < 8; i++) {
        const key = { group: 'g', key: `k${i}` };
        const read = guarded.read([key], { deadlineMs: stopwatchMs() + 60 });
        const failed = await Promise.resolve(read).then(
          () => null,
          (error: unknown) => error,
        );
        assert.ok(failed instanceof AsofError, String(failed));
        assert.ok(['store_timeout', 'store_unavailable'].includes(failed.code), failed.code);
      }
    } finally {
      await rows.close();
      await proxy.close();
    }
  });
}
