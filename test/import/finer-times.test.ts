import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProject } from './import-world.ts';

test('an import takes times in microseconds where it is told to', async (t) => {
  const project = await openProject(t);
  project.write(
    'payments.csv',
    `payment,card,amount,at,received
old1,a,1,2026-01-01T00:00:00.123456Z,2026-01-01T00:00:00.123456Z
old2,a,2,2026-01-01T00:00:01Z,2026-01-01T00:00:02Z
`,
  );
  const args = ['import', 'payments', 'payments.csv', '--arrival-column', 'received', '--dry-run'];
  const refused = await project.json(args);
  assert.deepEqual([refused.result.accepted, refused.result.rejected], [1, 1]);
  const floored = await project.json([...args, '--finer-times', 'floor']);
  assert.deepEqual([floored.result.accepted, floored.result.rejected], [2, 0]);
  assert.equal((await project.run([...args, '--finer-times', 'round'])).code, 2);
});
