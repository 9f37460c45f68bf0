/** Runs every test that needs nothing but npm: the sources' unit tests and test/. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const patterns = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const wanted = patterns.length > 0 ? patterns : ['src/**/*.test.ts', 'test/**/*.test.ts'];
const files = globSync(wanted, { cwd: root }).toSorted();
if (files.length === 0) {
  process.stderr.write(`no test file matches ${wanted.join(' ')}\n`);
  process.exit(1);
}
// A test that hangs is a failure with a name, not a run that never ends.
const options = [
  '--conditions=asof-source',
  '--test',
  '--test-concurrency=2',
  '--test-timeout=300000',
];
const run = spawnSync(process.execPath, [...options, ...files], { cwd: root, stdio: 'inherit' });
process.exit(run.status ?? 1);
