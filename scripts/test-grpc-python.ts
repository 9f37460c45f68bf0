/**
 * Generates a Python client from proto/ and asks a real server with it: what other languages get is
 * what is documented. Takes Python 3 from the path, and grpcio from its package index.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '../test/crash/server-process.ts';

const root = join(import.meta.dirname, '..');
const DEFINITIONS = `
import { count, decimal, entity, int64, lifetime, service, stream, string, sum, timestamp, view } from 'asof';
const payments = stream('payments', {
  columns: { id: string(), account: int64(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
  id: 'id',
});
const account = entity('account', { keys: { account: int64() } });
const spending = view('spending', {
  version: 1,
  source: payments,
  entity: account,
  key: { account: 'account' },
  features: (payment) => ({
    payments: count().over(lifetime()),
    spent: sum(payment.amount).over(lifetime()),
  }),
});
export const accountNow = service('account_now', { version: 1, features: [spending.all()] });
export default [payments, accountNow];
`;

/** An environment with grpcio; one that is named by ASOF_GRPC_PYTHON is used as it is. */
function python(folder: string): string {
  const given = process.env.ASOF_GRPC_PYTHON;
  if (given !== undefined) return given;
  const environment = join(folder, 'venv');
  execFileSync('python3', ['-m', 'venv', environment], { stdio: 'inherit' });
  const own = join(environment, 'bin', 'python');
  const packages = ['grpcio', 'grpcio-tools', 'grpcio-health-checking'].map(
    (one) => `${one}==1.85.1`,
  );
  execFileSync(own, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: 'inherit' });
  return own;
}

function generate(interpreter: string, to: string): void {
  mkdirSync(to);
  const proto = join(root, 'proto');
  const out = [`-I${proto}`, `--python_out=${to}`, `--grpc_python_out=${to}`];
  // The health protocol has a client of its own, which is to understand the server as well.
  const args = ['-m', 'grpc_tools.protoc', ...out, 'asof/v1/features.proto'];
  execFileSync(interpreter, args, { stdio: 'inherit' });
}

const folder = mkdtempSync(join(tmpdir(), 'asof-grpc-'));
let server: ServerProcess | null = null;
try {
  const interpreter = python(folder);
  const generated = join(folder, 'generated');
  generate(interpreter, generated);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'asof'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'asof.json'), '{"port":0,"listen":{"grpcPort":0}}');
  writeFileSync(join(folder, 'features.ts'), DEFINITIONS);
  server = await ServerProcess.start(folder);
  const target = new URL(server.facts.grpcUrl ?? '').host;
  const client = join(root, 'test', 'serving', 'grpc_client.py');
  const args = [client, generated, target, String(Date.now())];
  const told = execFileSync(interpreter, args, { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual(JSON.parse(told), {
    serving: true,
    accepted: 2,
    keys: ['9007199254740993', '9007199254740992'],
    payments: [2, 0],
    statuses: ['STATUS_PRESENT', 'STATUS_DEFAULT'],
    spent: [[1003, 0], 2, '02'],
    failed: {
      code: 'NOT_FOUND',
      details: "There is no service 'account_noww'. Did you mean 'account_now'?",
    },
  });
  process.stdout.write('A Python client that was generated from proto/ gets what is documented.\n');
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
