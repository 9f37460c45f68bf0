import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { loadDefinitions } from './definitions.ts';

test('definitions see no setting of asof, as some are secret', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-secrets-'));
  t.after(() => {
    delete process.env.ASOF_TOKEN_KEY;
    rmSync(folder, { recursive: true });
  });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(import.meta.dirname, '..', '..'), join(folder, 'node_modules', 'asof'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const path = join(folder, 'features.ts');
  writeFileSync(
    path,
    "const { ASOF_TOKEN_KEY, PATH } = process.env; throw new Error('seen: ' + ASOF_TOKEN_KEY + ' ' + (PATH === undefined));",
  );
  process.env.ASOF_TOKEN_KEY = 'a secret';
  await assert.rejects(
    loadDefinitions(path),
    (error) => error instanceof AsofError && error.message.includes('seen: undefined false'),
  );
});
