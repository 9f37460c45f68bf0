import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { silentLogger } from '../../base/logger.ts';
import { seededRandom } from '../../base/random.ts';
import { MemoryDisk } from '../../testing/memory-disk.ts';
import { firstDay, READS_FOLDER, readDays } from './read-totals.ts';
import { ReadsKeeper } from './reads-keeper.ts';

const START_MS = Date.UTC(2026, 0, 1, 12);
const DAY_MS = 86_400_000;
const nextTurn = (): Promise<void> => Promise.resolve();

function world() {
  const disk = new MemoryDisk(seededRandom(1));
  const clock = new ManualClock(START_MS);
  const keeper = (process: string, totals: Map<string, number>): ReadsKeeper => {
    const made = new ReadsKeeper({ disk, clock, logger: silentLogger, process });
    made.totals = () => new Map(totals);
    return made;
  };
  const days = async (from = '2026-01-01') =>
    (await readDays(disk, from, nextTurn)).map(({ day, rows }) => [day, Object.fromEntries(rows)]);
  return { disk, clock, keeper, days };
}

test('reads are kept by day, over restarts, definitions that begin to count anew, and processes', async () => {
  const { disk, clock, keeper, days } = world();
  assert.equal(firstDay(disk), null);
  const totals = new Map([['service:a@1', 10]]);
  const first = keeper('server', totals);
  first.save();
  totals.set('service:a@1', 15);
  first.close();
  const second = keeper('server', new Map([['service:a@1', 3]]));
  second.save();
  second.save();
  const worker = keeper('w1', new Map([['model:m@1', 7]]));
  worker.close();
  assert.deepEqual(await days(), [['2026-01-01', { 'model:m@1': 7, 'service:a@1': 18 }]]);
  clock.advanceTo(START_MS + DAY_MS);
  second.totals = () => new Map([['service:a@1', 1]]);
  second.close();
  assert.deepEqual(await days('2026-01-02'), [['2026-01-02', { 'service:a@1': 1 }]]);
  assert.equal(firstDay(disk), '2026-01-01');
});

test('a day on which nothing was read is known as one, and old days are forgotten', async () => {
  const { disk, clock, keeper, days } = world();
  const one = keeper('server', new Map());
  one.save();
  assert.deepEqual(await days(), [['2026-01-01', {}]]);
  clock.advanceTo(START_MS + (LIMITS.readDays + 1) * DAY_MS);
  one.close();
  assert.equal((await days()).length, 1);
  assert.equal(disk.list(READS_FOLDER).length, 1);
});

test('damage and a disk that fails lose counts, and nothing else', async () => {
  const { disk, keeper, days } = world();
  disk.makeFolder(READS_FOLDER);
  disk.replace(`${READS_FOLDER}/2026-01-01.w1.json`, new TextEncoder().encode('{"service:a@1'));
  const one = keeper('server', new Map([['service:a@1', 5]]));
  one.close();
  assert.deepEqual(await days(), [['2026-01-01', { 'service:a@1': 5 }]]);
});
