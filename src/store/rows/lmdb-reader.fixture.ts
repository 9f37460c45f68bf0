import { stopwatchMs, systemClock } from '../../base/clock.ts';
import { LmdbRows } from './lmdb-rows.ts';

/** Reads the rows of `argv[2]` without end, and says so if a read is of more than one commit. */
const store = new LmdbRows({
  path: process.argv[2] ?? '',
  isReader: true,
  clock: systemClock,
  stopwatchMs,
});
const keys = Array.from({ length: 50 }, (_, i) => ({ group: 'orders', key: `k${i}` }));
let reads = 0;
let newest = 0;
let ended = false;
process.stdin.once('data', () => {
  ended = true;
});
while (!ended) {
  for (let i = 0; i < 50; i++) {
    const { head, rows } = store.read(keys);
    // A file that was just begun anew.
    if (head === null) continue;
    const { commit } = head;
    if (commit < newest) process.stdout.write(`went back from ${newest} to ${commit}\n`);
    newest = commit;
    for (const row of rows) {
      const text = row !== null && 'body' in row ? Buffer.from(row.body).toString() : String(row);
      if (text !== `v${commit}`) process.stdout.write(`${text} at ${commit}\n`);
    }
    if (reads === 0) process.stdout.write('ready\n');
    reads += 1;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`read until ${newest}\n`);
await store.close();
process.exit(0);
