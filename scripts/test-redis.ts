/**
 * Runs the tests of the online store on Redis servers of this machine: a single one, and a Cluster,
 * started from the program in the path and stopped again.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { redisProgram } from '../test/redis/redis-servers.ts';

process.stdout.write(`Tests run on ${redisProgram()}.\n`);
const suites = join(import.meta.dirname, '..', 'test', 'redis', '*.suite.ts');
const args = ['--conditions=asof-source', '--test', '--test-timeout=120000', suites];
const tests = spawn(process.execPath, args, { stdio: 'inherit' });
process.exitCode = await new Promise<number>((resolve) =>
  tests.once('close', (ended) => resolve(ended ?? 1)),
);
