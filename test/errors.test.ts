import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorsPage } from '../scripts/errors-page.ts';
import { AsofError, ERRORS, type ErrorCode } from '../src/base/errors.ts';
import { readModules } from './tidy/module-graph.ts';

const root = join(import.meta.dirname, '..');

test('docs/ERRORS.md is the table of errors; `npm run errors` renews it', () => {
  assert.equal(readFileSync(join(root, 'docs', 'ERRORS.md'), 'utf8'), errorsPage());
});

test('every row has a sensible status and full sentences', () => {
  for (const [code, row] of Object.entries(ERRORS)) {
    assert.match(code, /^[a-z][a-z0-9_]*$/);
    assert.ok(row.status >= 400 && row.status < 600, code);
    assert.equal(row.status >= 500 && row.domain === 'user', false, `${code}: a user fault is 4xx`);
    assert.match(row.meaning, /^[A-Z].*\.$/, code);
    assert.match(row.remedy, /^[A-Z].*\.$/, code);
  }
});

test('every code of the table is thrown or answered somewhere', () => {
  const text = readModules(root, ['src'])
    .filter((file) => file.path !== 'src/base/errors.ts' && !file.path.endsWith('.test.ts'))
    .map((file) => file.text)
    .join('\n');
  const unused = Object.keys(ERRORS).filter((code) => !text.includes(`'${code}'`));
  assert.deepEqual(unused, []);
});

test('an error as JSON carries code, message, path, remedy and whether to retry', () => {
  const error = new AsofError('disk_full', 'No space left in /data.', { path: '/data' });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    code: 'disk_full' satisfies ErrorCode,
    message: 'No space left in /data.',
    path: '/data',
    remedy: ERRORS.disk_full.remedy,
    retryable: true,
  });
});
