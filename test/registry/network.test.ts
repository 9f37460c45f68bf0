import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { pause } from '../../src/base/pause.ts';
import { onBothDatabases } from '../../src/registry/both-databases.fixture.ts';
import { listenToChanges } from '../../src/registry/listen.ts';
import { PgliteServer } from '../../src/registry/pglite-server.fixture.ts';
import { Registry } from '../../src/registry/registry.ts';

const clock = { nowMs: () => 5 };

/** The way to a server, on which everything can be lost from some moment on. */
async function wayTo(port: number) {
  let isLost = false;
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (data) => isLost || to.write(data));
      from.on('end', () => isLost || to.end());
      from.on('error', () => {});
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    lose: () => {
      isLost = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a network that swallows everything does not keep anybody from going', async (t) => {
  const db = await PGlite.create();
  const postgres = await PgliteServer.start(db);
  const way = await wayTo(postgres.port);
  t.after(async () => {
    await way.close();
    await postgres.stop();
    await db.close();
  });
  const url = postgres.url.replace(`:${postgres.port}/`, `:${way.port}/`);
  const address = { kind: 'postgres', url, connections: 1 } as const;
  const registry = await Registry.open(address, clock);
  assert.equal(await registry.generation(), 0);
  const listener = await listenToChanges(
    address,
    () => {},
    () => {},
  );
  way.lose();
  const ended = Promise.all([listener.close(), registry.close()]).then(() => 'ended');
  const stopping = new AbortController();
  const late = pause(20_000, stopping.signal).then(
    () => 'still waiting',
    () => 'over',
  );
  assert.equal(await Promise.race([ended, late]), 'ended');
  stopping.abort();
});

onBothDatabases('many open a registry that is not there yet', async (_t, address) => {
  const opened = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const registry = await Registry.open(address, clock);
      const generation = await registry.generation();
      await registry.close();
      return generation;
    }),
  );
  assert.deepEqual(new Set(opened), new Set([0]));
});
