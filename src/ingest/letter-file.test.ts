import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { LetterFile } from './letter-file.ts';

const PATH = 'dead/part.ndjson';

/** How many of the runs show the line again after power was lost. */
async function resurrections(secures: boolean): Promise<number> {
  let shown = 0;
  for (let seed = 1; seed <= 600; seed++) {
    const disk = new MemoryDisk(seededRandom(seed));
    disk.makeFolder('dead');
    disk.syncFolder('');
    const file = new LetterFile(disk, PATH);
    await file.append(['{"first":1}']);
    // The second operation of an append is its sync.
    disk.failAt({ atOperation: disk.operations + 2, fault: 'io' });
    await assert.rejects(file.append(['{"second":2}']));
    if (secures) await file.secure();
    file.close();
    const after = new LetterFile(disk.afterCrash(), PATH);
    const lines = [...after.lines()].filter((line) => line !== '');
    assert.equal(lines[0], '{"first":1}');
    if (lines.includes('{"second":2}')) shown += 1;
  }
  return shown;
}

test('what could not be made durable may come back, but not once the file is secured', async () => {
  assert.ok((await resurrections(false)) > 0, 'the disk does bring it back');
  assert.equal(await resurrections(true), 0);
});

test('a line that is on its way while the file is secured stays', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.makeFolder('dead');
  const file = new LetterFile(disk, PATH);
  disk.failAt({ atOperation: disk.operations + 3, fault: 'io' });
  await assert.rejects(file.append(['{"first":1}']));
  const second = file.append(['{"second":2}']);
  await Promise.all([file.secure(), second]);
  assert.deepEqual([...file.lines()], ['{"second":2}']);
  assert.equal(disk.size(PATH), '{"second":2}\n'.length);
});
