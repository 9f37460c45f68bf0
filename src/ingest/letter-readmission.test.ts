import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import { CONTRACT_SCHEMA } from '../testing/connector-contract.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { Ingestor } from './ingestor.ts';
import { EventLog } from './log.ts';
import { UnreadableRow } from './sourced-rows.ts';

const AT = 1_700_000_000_000;
const SCHEMA = { ...CONTRACT_SCHEMA, allowedLatenessMs: 10_000, maxClockSkewMs: 1_000 };

async function door() {
  const disk = new MemoryDisk(seededRandom(1));
  const clock = new ManualClock(AT);
  const log = await EventLog.open({ disk, schemas: [SCHEMA] });
  return { clock, ingestor: Ingestor.open({ disk, log, sources: [SCHEMA], clock }) };
}

test('a letter that is refused again counts no second time; one that is taken counts', async () => {
  const { clock, ingestor } = await door();
  const rows = [
    { n: 1, at: AT + 60_000 },
    { n: 2, at: AT - 20_000 },
    { n: 'x', at: AT },
  ];
  await ingestor.push('contract', [...rows, { n: 4, at: AT - 5 }]);
  const before = ingestor.stats('contract');
  assert.deepEqual([before?.clocks.skew.ahead, before?.clocks.lateness.events], [1, 2]);
  for (let tries = 0; tries < 3; tries++) {
    const { tried, accepted } = await ingestor.readmit('contract');
    assert.deepEqual([tried, accepted], [3, 0]);
    assert.deepEqual(ingestor.stats('contract'), before);
  }
  clock.advanceTo(AT + 60_003);
  assert.equal((await ingestor.readmit('contract')).accepted, 1);
  const after = ingestor.stats('contract');
  assert.deepEqual([after?.received, after?.accepted], [5, 2]);
  assert.deepEqual(after?.rejected, before?.rejected);
  // As any other event of the log: 3 ms late on arrival.
  assert.equal(after?.clocks.lateness.events, 3);
  assert.equal(after?.clocks.skew.ahead, 1);
});

test('what was no row in its format stays what it is, and says where to correct it', async () => {
  const { ingestor } = await door();
  const rows = [
    { place: 'a.csv:2', body: new UnreadableRow('1,2,3,4', 'The record has 4 fields.') },
    { place: 'a.csv:3', body: { n: 'two', at: AT } },
  ];
  await ingestor.take('contract', { connector: 'c', lane: 'a', batch: 1, token: 't', rows });
  const [text, row] = [...ingestor.letters.list('contract')];
  assert.deepEqual([text?.raw, row?.raw], ['1,2,3,4', JSON.stringify({ n: 'two', at: AT })]);
  const { tried, refused } = await ingestor.readmit('contract');
  assert.equal(tried, 2);
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['unreadable_row', 'wrong_type'],
  );
  assert.match(refused[0]?.message ?? '', /Only the source can correct it: mend it at a\.csv:2/);
});
