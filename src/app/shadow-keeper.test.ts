import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NodeDisk } from '../base/node-disk.ts';
import { keptReports, SHADOW_FOLDER } from './shadow-keeper.ts';

const feature = {
  ...{ name: 'n', type: 'int64', compared: 2, differing: 1, nullInLive: 0, nullInShadow: 0 },
  ...{ statusOnly: 0, numbers: 1, meanDifference: 3, maxDifference: 3 },
  examples: [{ key: { card: 'c1' }, asOfMs: 5, commit: 1, live: '1', shadow: '4', difference: 3 }],
};
const report = {
  ...{ service: 'fraud.checks', live: 1, shadow: 2, hashes: ['a', 'b'], samplePpm: 5 },
  ...{ startedMs: 7, rows: 2, rowsDiffering: 1, dropped: 0, unanswerable: 0, problem: null },
  ...{ onlyInLive: [], onlyInShadow: [], features: [feature] },
};

test('a report that is damaged, however it is, counts as none', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-shadow-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const disk = new NodeDisk(folder);
  disk.makeFolder(SHADOW_FOLDER);
  const write = (name: string, value: unknown): void =>
    disk.replace(`${SHADOW_FOLDER}/${name}.json`, new TextEncoder().encode(JSON.stringify(value)));
  write('fraud.checks', report);
  for (const [name, value] of Object.entries(report)) {
    write(`other_${name}`, { ...report, [name]: typeof value === 'string' ? 1 : 'x' });
    write(
      `without_${name}`,
      Object.fromEntries(Object.entries(report).filter(([n]) => n !== name)),
    );
  }
  write('example', { ...report, features: [{ ...feature, examples: [null] }] });
  disk.replace(`${SHADOW_FOLDER}/cut.json`, new TextEncoder().encode('{"hashes":'));
  // A problem is any text.
  assert.deepEqual(
    keptReports(disk).filter(({ problem }) => problem === null),
    [report],
  );
});
