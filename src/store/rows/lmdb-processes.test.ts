import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { open } from 'lmdb';
import { ManualClock } from '../../base/clock.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { rejectsWith, rowWrite, storeHead, textsOf } from '../../testing/row-store-world.ts';
import { LmdbRows } from './lmdb-rows.ts';

const KEYS = Array.from({ length: 50 }, (_, i) => ({ group: 'orders', key: `k${i}` }));

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'asof-lmdb-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function publisherAt(path: string, bytesMax?: number) {
  const clock = new ManualClock(1_000);
  const stopwatch = { nowMs: 0 };
  const options = { path, isReader: false, clock, stopwatchMs: () => stopwatch.nowMs };
  return {
    store: new LmdbRows(bytesMax === undefined ? options : { ...options, bytesMax }),
    stopwatch,
  };
}

async function publishAll(
  store: LmdbRows,
  lease: Parameters<LmdbRows['write']>[0],
  commit: number,
) {
  await store.write(
    lease,
    commit,
    KEYS.map((key) => rowWrite(key, `v${commit}`)),
  );
  await store.publish(lease, storeHead(commit, ['orders']));
}

async function startReader(path: string): Promise<{ child: ChildProcess; lines: string[] }> {
  const script = join(import.meta.dirname, 'lmdb-reader.fixture.ts');
  const child = spawn(process.execPath, [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      const parts = (rest + data.toString()).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      if (parts.includes('ready')) resolve();
    });
    child.once('exit', () => resolve());
  });
  await ready;
  return { child, lines };
}

test('other processes read one file while it is written, and dead ones leave nothing', async (t) => {
  const path = folder(t);
  const { store, stopwatch } = publisherAt(path);
  const lease = await store.acquire();
  await publishAll(store, lease, 1);
  const readers = await Promise.all([startReader(path), startReader(path), startReader(path)]);
  const [first, second, third] = readers;
  assert.ok(first && second && third);
  t.after(() => {
    for (const { child } of readers) child.kill('SIGKILL');
  });
  const slots = (): number => {
    const root = open({ path: join(path, 'rows.mdb') });
    const lines = root
      .readerList()
      .split('\n')
      .filter((line) => /^\s*\d/.test(line));
    void root.close();
    return new Set(lines.map((line) => line.trim().split(/\s+/)[0])).size;
  };
  assert.ok(slots() >= 3, `${slots()} slots`);
  for (let commit = 2; commit <= 40; commit++) {
    if (commit === 10 || commit === 20) {
      const victim = commit === 10 ? first : second;
      victim.child.kill('SIGKILL');
      await once(victim.child, 'exit');
    }
    await publishAll(store, lease, commit);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stopwatch.nowMs += SERVING_LIMITS.lmdbReaderCheckMs;
  await publishAll(store, lease, 41);
  assert.ok(slots() <= 2, `${slots()} slots`);
  while (!third.lines.includes('read until 41')) {
    third.child.stdin?.write('stop');
    await once(third.child, 'exit');
    break;
  }
  for (const { lines } of [first, second]) assert.deepEqual(lines, ['ready']);
  assert.equal(third.lines.length, 2);
  assert.match(third.lines[1] ?? '', /^read until (3\d|4[01])$/);
  await store.close();
});

test('a file that is damaged is refused, wiped, and written again', async (t) => {
  const path = folder(t);
  const { store } = publisherAt(path);
  const lease = await store.acquire();
  for (let commit = 1; commit <= 30; commit++) await publishAll(store, lease, commit);
  await store.close();
  const file = join(path, 'rows.mdb');
  const whole = readFileSync(file);
  const damaged = [
    Buffer.from(whole).fill(0x5a, 0, 8_192),
    Buffer.from(whole).fill(0, 4_096, 8_192),
    whole.subarray(0, 5_000),
    whole.subarray(0, 100),
  ];
  for (const bytes of damaged) {
    writeFileSync(file, bytes);
    const next = publisherAt(path).store;
    await rejectsWith(next.acquire(), 'store_unavailable');
    next.wipe();
    const begun = await next.acquire();
    assert.equal(begun.head, null);
    await publishAll(next, begun, 4);
    assert.deepEqual(await textsOf(next, KEYS.slice(0, 1)), ['v4@4']);
    await next.close();
  }
});

test('readers of other processes find the file that replaced theirs', async (t) => {
  const path = folder(t);
  const { store, stopwatch } = publisherAt(path);
  await publishAll(store, await store.acquire(), 1);
  const { child, lines } = await startReader(path);
  t.after(() => child.kill('SIGKILL'));
  store.wipe();
  const lease = await store.acquire();
  assert.equal(lease.head, null);
  await publishAll(store, lease, 5);
  stopwatch.nowMs += SERVING_LIMITS.lmdbFileCheckMs;
  await new Promise((resolve) => setTimeout(resolve, SERVING_LIMITS.lmdbFileCheckMs * 1.5));
  child.stdin?.write('stop');
  await once(child, 'exit');
  assert.deepEqual(lines, ['ready', 'read until 5']);
  await store.close();
});

test('a publisher that keeps dying over a file gets a new one', async (t) => {
  const path = folder(t);
  const first = publisherAt(path).store;
  await publishAll(first, await first.acquire(), 1);
  await first.close();
  const marker = join(path, 'rows.mdb-open');
  for (const [ends, kept] of [
    ['2', true],
    ['3', false],
    [`2 ${process.pid}`, true],
    // The one before had our number, as the first process of a container has.
    [`3 ${process.pid}`, false],
  ] as const) {
    writeFileSync(marker, ends);
    const { store } = publisherAt(path);
    const lease = await store.acquire();
    assert.equal(lease.head !== null, kept);
    if (!kept) await publishAll(store, lease, 1);
    await store.close();
    assert.equal(existsSync(marker), false);
  }
});

test('a reader without a file says so, and reads once there is one', async (t) => {
  const path = folder(t);
  const clock = new ManualClock(0);
  const reader = new LmdbRows({ path, isReader: true, clock, stopwatchMs: () => 0 });
  await rejectsWith(reader.ping(), 'store_unavailable');
  const { store } = publisherAt(path);
  await publishAll(store, await store.acquire(), 1);
  assert.deepEqual(await textsOf(reader, KEYS.slice(0, 1)), ['v1@1']);
  await reader.close();
  await store.close();
});

test('more rows than the buffer holds wait in the file, unseen', async (t) => {
  const path = folder(t);
  const { store } = publisherAt(path);
  const lease = await store.acquire();
  await publishAll(store, lease, 1);
  const body = Buffer.alloc(SERVING_LIMITS.lmdbBufferBytes / 20, 7);
  const large = KEYS.slice(1).map((key) => ({ ...key, body, expiresMs: null }));
  await store.write(lease, 2, large);
  await store.write(lease, 3, [rowWrite(KEYS[0] ?? { group: '', key: '' }, 'v3')]);
  const texts = KEYS.slice(0, 2);
  assert.deepEqual(await textsOf(store, texts), ['v1@1', 'v1@1']);
  await store.publish(lease, storeHead(3, ['orders']));
  const { rows } = store.read(KEYS);
  const sizes = rows.map((row) => (row !== null && 'body' in row ? row.body.length : -1));
  assert.deepEqual(
    sizes,
    KEYS.map((_, i) => (i === 0 ? 2 : body.length)),
  );
  await store.close();
});

test('a file that would grow beyond its bound refuses, and goes on as it was', async (t) => {
  const { store } = publisherAt(folder(t), 2_000_000);
  const lease = await store.acquire();
  await publishAll(store, lease, 1);
  const body = Buffer.alloc(100_000, 7);
  const large = KEYS.map((key) => ({ ...key, body, expiresMs: null }));
  await store.write(lease, 2, large);
  await rejectsWith(store.publish(lease, storeHead(2, ['orders'])), 'store_full');
  assert.deepEqual(await textsOf(store, KEYS.slice(0, 1)), ['v1@1']);
  await store.close();
});
