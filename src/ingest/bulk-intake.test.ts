import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import { CrashError, MemoryDisk } from '../testing/memory-disk.ts';
import { encodeBulk } from './bulk-body.ts';
import { hasCode, idsIn, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';

const memory = (seed = 1): MemoryDisk => new MemoryDisk(seededRandom(seed));
type World = Awaited<ReturnType<typeof start>>;

/** `id` of an event, how long before now it arrived, and how long before that it happened. */
type Past = readonly [id: string | null, agoMs: number, lateMs?: number];

function pastLines(rows: readonly Past[], schema = SCHEMA) {
  const text = rows.map(([id, agoMs, lateMs = 0]) =>
    JSON.stringify({ at: NOW_MS - agoMs - lateMs, id, amount: agoMs }),
  );
  const lines = Buffer.from(text.map((line) => `${line}\n`).join(''));
  const arrivalTimeMs = Float64Array.from(rows, ([, agoMs]) => NOW_MS - agoMs);
  return encodeBulk({ count: rows.length, lines, arrivalTimeMs }, schema);
}

async function give(
  { ingestor }: World,
  run: string,
  chunk: number,
  rows: readonly Past[],
  more: { session?: string; left?: Record<string, number> } = {},
) {
  const { bulk } = ingestor;
  const session = more.session ?? bulk.start('clicks', run).session;
  const known = { session, left: more.left ?? {}, cutMs: null, liveFromMs: null };
  const incoming = { source: 'clicks', run, chunk, body: pastLines(rows), import: known };
  await bulk.open(incoming);
  return bulk.take(incoming);
}

const arrivals = (batches: Iterable<EventBatch>): number[] =>
  [...batches].flatMap(({ arrivalTimeMs }) => [...arrivalTimeMs]).sort((a, b) => a - b);

test('history has arrivals of its own, is judged by them, and leaves the live clocks alone', async () => {
  const world = await start(memory());
  const { ingestor, log } = world;
  const result = await give(world, 'r', 1, [
    ['old', 90_000_000],
    ['late', 80_000_000, 60_001],
    ['just', 70_000_000, 60_000],
    ['ahead', -1_001],
    ['skewed', 5_000, -1_000],
    ['early', 4_000, -1_001],
  ]);
  assert.deepEqual(result.rejected, { too_late: 1, from_the_future: 2 });
  assert.deepEqual([result.accepted, result.fresh], [3, true]);
  assert.deepEqual(idsIn(log).sort(), ['just', 'old', 'skewed']);
  assert.deepEqual(arrivals(log.read(0)), [
    NOW_MS - 90_000_000,
    NOW_MS - 70_000_000,
    NOW_MS - 5_000,
  ]);
  const skewed = [...log.read(0)].find(({ eventTimeMs }) => eventTimeMs.includes(NOW_MS - 5_000));
  assert.equal(skewed?.imported, true);
  const { clocks, accepted } = ingestor.stats('clicks') ?? assert.fail('stats');
  assert.deepEqual([accepted, clocks.lateness.events, clocks.watermarkMs], [3, 0, null]);
  const letters = [...ingestor.letters.list('clicks')];
  assert.deepEqual(letters.map(({ code }) => code).sort(), [
    'from_the_future',
    'from_the_future',
    'too_late',
  ]);
  assert.ok(letters.every(({ raw }) => typeof raw === 'string' && !raw.includes('arrival')));
  ingestor.checkpoint();
  const again = await start((world.disk as MemoryDisk).afterCrash());
  assert.equal(again.ingestor.stats('clicks')?.clocks.lateness.events, 0);
});

test('an id that was taken is a duplicate, whether history or live came first', async () => {
  const world = await start(memory());
  const { ingestor, log } = world;
  await ingestor.push('clicks', [{ at: NOW_MS, id: 'live' }]);
  const { session } = ingestor.bulk.start('clicks', 'r');
  const first = await give(
    world,
    'r',
    1,
    [
      ['a', 50_000],
      ['live', 40_000],
      ['recent', 5_000],
    ],
    { session },
  );
  assert.deepEqual([first.accepted, first.rejected], [2, { duplicate: 1 }]);
  await ingestor.push('clicks', [{ at: NOW_MS, id: 'between' }]);
  const second = await give(world, 'r', 2, [['between', 30_000]], {
    session,
    left: { duplicate: 3 },
  });
  assert.deepEqual([second.accepted, second.rejected], [0, { duplicate: 1 }]);
  // What is imported and can be repeated within the horizon is known to the live door.
  const push = await ingestor.push('clicks', [{ at: NOW_MS, id: 'recent' }]);
  assert.equal(push.rows[0]?.code, 'duplicate');
  assert.deepEqual(idsIn(log).sort(), ['a', 'between', 'live', 'recent']);
  await ingestor.bulk.finish('clicks', 'r');
  const again = ingestor.bulk.start('clicks', 'r');
  assert.deepEqual([again.finished, again.taken], [true, 2]);
  assert.deepEqual(again.totals, {
    read: 7,
    accepted: 2,
    rejected: { duplicate: 2 },
    left: { duplicate: 3 },
  });
});

test('where ids are let go, history neither fills the memory nor confuses what is durable', async () => {
  const limits = { ids: 64, idsKept: 8 };
  const world = await start(memory(), { limits });
  const rows = (from: number, count: number, agoMs: number): Past[] =>
    Array.from({ length: count }, (_, i) => [`p${from + i}`, agoMs]);
  assert.equal((await give(world, 'r', 1, rows(0, 500, 1e9))).accepted, 500);
  assert.equal((await give(world, 'r', 2, rows(500, 20, 2_000))).accepted, 20);
  const push = await world.ingestor.push('clicks', [
    { at: NOW_MS, id: 'p505' },
    { at: NOW_MS, id: 'new' },
  ]);
  assert.deepEqual([push.accepted, push.rows[0]?.code], [1, 'duplicate']);
  assert.ok((world.ingestor.memory('clicks')?.ids ?? 99) < 64);
  const after = await start((world.disk as MemoryDisk).afterCrash(), { limits });
  const repeated = await after.ingestor.push('clicks', [{ at: NOW_MS, id: 'p505' }]);
  assert.equal(repeated.rows[0]?.code, 'duplicate');
});

test('what came live since a run was started is known to it, though its id was let go of', async () => {
  const limits = { ids: 64, idsKept: 2 };
  const world = await start(memory(), { limits });
  const { session } = world.ingestor.bulk.start('clicks', 'r');
  await world.ingestor.push('clicks', [{ at: NOW_MS, id: 'x' }]);
  for (let i = 1; i < 200; i++) {
    world.clock.advanceTo(NOW_MS + i * 1_000);
    await world.ingestor.push('clicks', [{ at: NOW_MS + i * 1_000, id: `later${i}` }]);
  }
  const result = await give(world, 'r', 1, [['x', 5]], { session });
  assert.deepEqual([result.accepted, result.rejected], [0, { duplicate: 1 }]);
});

test('crash at every operation: each chunk, its counts and its letters are there once', async () => {
  const chunks: readonly (readonly Past[])[] = [
    [
      ['a', 9_000_000],
      ['b', 8_000_000, 70_000],
    ],
    [['c', 7_000_000, 70_000]],
    [
      [null, 6_000_000],
      ['a', 5_000_000],
    ],
  ];
  for (let operation = 1; ; operation++) {
    const disk = memory(operation);
    disk.failAt({ atOperation: operation, fault: 'crash' });
    let finished = false;
    try {
      await giveAll(await start(disk), chunks);
      finished = true;
    } catch (error) {
      assert.ok(error instanceof CrashError, String(error));
    }
    const world = await start(disk.afterCrash());
    await world.ingestor.bulk.settle();
    await giveAll(world, chunks);
    const { totals } = world.ingestor.bulk.start('clicks', 'r');
    const label = `operation ${operation}`;
    assert.deepEqual(
      totals,
      { read: 5, accepted: 2, rejected: { too_late: 2, duplicate: 1 }, left: {} },
      label,
    );
    assert.deepEqual(idsIn(world.log).sort(), ['', 'a'], label);
    const letters = [...world.ingestor.letters.list('clicks')].map(({ code }) => code);
    assert.deepEqual(letters.sort(), ['duplicate', 'too_late', 'too_late'], label);
    if (finished) break;
  }
});

async function giveAll(world: World, chunks: readonly (readonly Past[])[]): Promise<void> {
  const { session, taken, finished } = world.ingestor.bulk.start('clicks', 'r');
  if (finished) return;
  for (const [i, rows] of chunks.entries()) {
    if (i >= taken) await give(world, 'r', i + 1, rows, { session });
  }
  await world.ingestor.bulk.finish('clicks', 'r');
}

test('chunks come in order, by one sender, of one run', async () => {
  const world = await start(memory());
  const { bulk } = world.ingestor;
  const { session } = bulk.start('clicks', 'r');
  await give(world, 'r', 1, [['a', 1]], { session });
  await assert.rejects(give(world, 'r', 3, [['c', 1]], { session }), hasCode('run_conflict'));
  const repeated = await give(world, 'r', 1, [['z', 1]], { session });
  assert.deepEqual([repeated.fresh, repeated.accepted], [false, 1]);
  // The same import twice at once: the newer one goes on.
  const second = bulk.start('clicks', 'r').session;
  await assert.rejects(give(world, 'r', 2, [['b', 1]], { session }), hasCode('run_conflict'));
  assert.throws(() => bulk.start('clicks', 'other'), hasCode('run_conflict'));
  await give(world, 'r', 2, [['b', 1]], { session: second });
  world.clock.advanceTo(NOW_MS + LIMITS.bulkSilentMs);
  await give(world, 'other', 1, [['o', 1]]);
  await assert.rejects(give(world, 'r', 3, [], { session: second }), hasCode('run_conflict'));
  await bulk.finish('clicks', 'other');
  await assert.rejects(give(world, 'r', 3, [], { session: second }), hasCode('session_ended'));
  assert.deepEqual(idsIn(world.log).sort(), ['a', 'b', 'o']);
});

test('two requests for one chunk at once take it once', async () => {
  const world = await start(memory());
  const { session } = world.ingestor.bulk.start('clicks', 'r');
  const results = await Promise.all(
    [1, 2, 3].map(() => give(world, 'r', 1, [[null, 10]], { session })),
  );
  assert.deepEqual(results.map(({ fresh }) => fresh).sort(), [false, false, true]);
  assert.equal(arrivals(world.log.read(0)).length, 1);
});

test('the first live event is written down, whether it came before the history or after', async () => {
  const world = await start(memory());
  const { bulk } = world.ingestor;
  assert.equal(bulk.start('clicks', 'r').liveFromMs, undefined);
  await give(world, 'r', 1, [['a', 5_000]]);
  assert.equal(bulk.start('clicks', 'r').liveFromMs, null);
  world.clock.advanceTo(NOW_MS + 10);
  await world.ingestor.push('clicks', [{ at: NOW_MS, id: 'live' }]);
  assert.equal(bulk.start('clicks', 'r').liveFromMs, NOW_MS + 10);
  const after = await start((world.disk as MemoryDisk).afterCrash());
  assert.equal(after.ingestor.bulk.start('clicks', 'r').liveFromMs, NOW_MS + 10);
});

test('a body that is none, or too large, takes nothing', async () => {
  const world = await start(memory());
  const { bulk } = world.ingestor;
  const { session } = bulk.start('clicks', 'r');
  const known = { session, left: {}, cutMs: null, liveFromMs: null };
  const whole = pastLines([['a', 1]]);
  const take = (body: Uint8Array) =>
    bulk.take({ source: 'clicks', run: 'r', chunk: 1, body, import: known });
  for (const body of [new Uint8Array(0), whole.slice(0, 20), whole.slice(0, -5), whole.slice(8)]) {
    const outcome = await take(body).catch((error: unknown) => error);
    // A line that is cut off is a row that cannot be read, and so a letter.
    if (outcome instanceof AsofError) assert.equal(outcome.code, 'malformed_columns');
    else assert.deepEqual((outcome as { rejected: object }).rejected, { malformed_json: 1 });
  }
  const many = Array.from({ length: LIMITS.bulkRows + 1 }, (): Past => ['a', 1]);
  await assert.rejects(
    bulk.take({ source: 'clicks', run: 'r', chunk: 2, body: pastLines(many), import: known }),
    hasCode('too_many_rows'),
  );
  await assert.rejects(
    bulk.take({ source: 'nope', run: 'r', chunk: 1, body: whole }),
    hasCode('unknown_source'),
  );
});
