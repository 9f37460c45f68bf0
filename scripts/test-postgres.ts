/**
 * Runs the tests of the registry on a PostgreSQL server of this machine, found by its programs in
 * the path: many sessions at once, which the one of `npm test` has not.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUITES = ['src/registry/**/*.test.ts', 'test/registry/*.test.ts'];
const READY_MS = 30_000;

function programFolder(): string {
  const installed = '/usr/lib/postgresql';
  const versions = existsSync(installed) ? readdirSync(installed).sort().reverse() : [];
  const folders = [
    ...(process.env.PATH ?? '').split(':'),
    ...versions.map((version) => join(installed, version, 'bin')),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')));
  if (found !== undefined) return found;
  throw new Error('There is no PostgreSQL on this machine: install it, or put initdb in the PATH.');
}

/** PostgreSQL refuses to run as root; then it runs as nobody. */
function user(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  server.close();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('There is no free port.');
}

const bin = programFolder();
const as = user();
const folder = mkdtempSync(join(tmpdir(), 'asof-postgres-'));
if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
const data = join(folder, 'data');
const port = await freePort();
execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'asof', '-A', 'trust', '-E', 'UTF8'], {
  ...as,
  cwd: folder,
  stdio: 'ignore',
});
const flags = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-c', 'fsync=off'];
const server = spawn(join(bin, 'postgres'), flags, { ...as, cwd: folder, stdio: 'ignore' });
let code = 1;
try {
  const deadlineMs = Date.now() + READY_MS;
  for (;;) {
    try {
      execFileSync(join(bin, 'pg_ctl'), ['status', '-D', data], {
        ...as,
        cwd: folder,
        stdio: 'ignore',
      });
      if (existsSync(join(folder, `.s.PGSQL.${port}`))) break;
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const url = `postgres://asof@127.0.0.1:${port}/postgres`;
  const tests = spawn(process.execPath, [join(import.meta.dirname, 'test.ts'), ...SUITES], {
    stdio: 'inherit',
    env: { ...process.env, ASOF_TEST_POSTGRES: url },
  });
  code = await new Promise<number>((resolve) =>
    tests.once('close', (ended) => resolve(ended ?? 1)),
  );
} finally {
  server.kill('SIGINT');
  await new Promise((resolve) => server.once('close', resolve));
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = code;
