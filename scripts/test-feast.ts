/**
 * Runs Feast's own Python client, as it comes from PyPI, against asof: `npm run test:feast`. It is
 * installed once into a folder of this machine's temporary files.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSION = '0.67.0';

/** The interpreter of an environment that has the client. */
function python(): string {
  const folder = join(tmpdir(), `asof-feast-${VERSION}`);
  const done = join(folder, 'installed');
  const program = join(folder, 'bin', 'python');
  if (existsSync(done)) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  execFileSync(program, [...pip, `feast==${VERSION}`], { stdio: 'inherit' });
  writeFileSync(done, VERSION);
  return program;
}

const run = spawnSync(
  process.execPath,
  [
    '--conditions=asof-source',
    '--test',
    '--test-timeout=300000',
    join('test', 'feast', 'client.suite.ts'),
  ],
  {
    cwd: join(import.meta.dirname, '..'),
    stdio: 'inherit',
    env: { ...process.env, ASOF_FEAST_PYTHON: python() },
  },
);
process.exit(run.status ?? 1);
