import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import type { SourceSchema } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { hasCode, NOW_MS, SCHEMA } from './ingestor.fixture.ts';
import { Ingestor } from './ingestor.ts';
import { EventLog } from './log.ts';

const CLICKS = SCHEMA;
const VIEWS: SourceSchema = { ...SCHEMA, name: 'views' };
const IDS = ['a', 'b', 'c', 'd'];
const rows = IDS.map((id) => ({ at: NOW_MS, id }));
const view = (id: string) => [{ at: NOW_MS, id }];

async function start(disk: MemoryDisk, sources: readonly SourceSchema[]) {
  const log = await EventLog.open({ disk, schemas: sources, limits: { segmentBytes: 500 } });
  const ingestor = Ingestor.open({ disk, log, sources, clock: new ManualClock(NOW_MS) });
  return { log, ingestor };
}

/** A start in which the source is not declared: the log goes on, and is cut where it can be. */
async function without(disk: MemoryDisk, round: number): Promise<MemoryDisk> {
  const { log, ingestor } = await start(disk, [VIEWS]);
  for (let i = 0; i < 10; i++) await ingestor.push('views', view(`${round}-${i}`));
  log.cutThrough(ingestor.checkpoint());
  assert.ok(log.firstCommit > 5);
  await ingestor.push('views', view(`${round}-behind`));
  log.cutThrough(ingestor.checkpoint());
  return disk.afterCrash();
}

for (const checkpointed of [true, false]) {
  test(`a source that comes back knows its ids; ${checkpointed ? 'written' : 'in the log'}`, async () => {
    const disk = new MemoryDisk(seededRandom(3));
    const first = await start(disk, [CLICKS, VIEWS]);
    assert.equal((await first.ingestor.push('clicks', rows.slice(0, 2))).accepted, 2);
    first.ingestor.checkpoint();
    assert.equal((await first.ingestor.push('clicks', rows.slice(2))).accepted, 2);
    if (checkpointed) first.ingestor.checkpoint();
    let next = await without(disk.afterCrash(), 1);
    next = await without(next, 2);
    const { log, ingestor } = await start(next, [CLICKS, VIEWS]);
    assert.ok(log.firstCommit > 4, 'the log of the clicks is gone');
    const answer = await ingestor.push('clicks', rows);
    assert.deepEqual([answer.accepted, answer.rejected], [0, IDS.length]);
    assert.equal((await ingestor.push('views', view('2-3'))).accepted, 0);
    assert.equal((await ingestor.push('clicks', view('new'))).accepted, 1);
  });
}

test('a source whose events have no id for a while knows them again later', async () => {
  const disk = new MemoryDisk(seededRandom(3));
  const first = await start(disk, [CLICKS]);
  await first.ingestor.push('clicks', rows);
  first.ingestor.close();
  const without = disk.afterCrash();
  const second = await start(without, [{ ...CLICKS, id: null }]);
  assert.equal((await second.ingestor.push('clicks', view('x'))).accepted, 1);
  second.ingestor.checkpoint();
  await assert.rejects(second.ingestor.push('views', rows), hasCode('unknown_source'));
  const third = await start(without.afterCrash(), [CLICKS]);
  assert.equal((await third.ingestor.push('clicks', rows)).rejected, IDS.length);
});
