import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isGoneOwner, leaseOwner } from './lease-owner.ts';
import { readQuotas } from './quota-config.ts';

test('quotas are bounds by owner, and each wrong one is named', () => {
  const good = {
    risk: { rowsPerDay: 5, bytes: 6 },
    ads: { bytes: 7 },
    none: {},
    'fraud.*': { bytes: 8 },
  };
  assert.deepEqual(readQuotas(good), { quotas: good, issues: [] });
  const cases: readonly (readonly [unknown, string])[] = [
    [[], 'quotas'],
    [{ risk: 5 }, 'quotas.risk'],
    [{ risk: { rows: 5 } }, 'quotas.risk.rows'],
    [{ risk: { bytes: '5GB' } }, 'quotas.risk.bytes'],
    [{ risk: { rowsPerDay: 0 } }, 'quotas.risk.rowsPerDay'],
  ];
  for (const [value, path] of cases) {
    assert.deepEqual(
      readQuotas(value).issues.map((one) => [one.code, one.path]),
      [['invalid_config', path]],
    );
  }
});

test('only a process of this machine that has ended is known to be gone', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  assert.equal(isGoneOwner(leaseOwner()), false);
  assert.equal(isGoneOwner(`process ${pid} on ${hostname()}`), true);
  assert.equal(isGoneOwner(`process ${pid} on ${hostname()}2`), false);
  assert.equal(isGoneOwner('somebody'), false);
});
