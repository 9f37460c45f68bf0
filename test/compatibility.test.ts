import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compatibilityPage } from '../scripts/compatibility-page.ts';
import { COMPATIBILITY } from '../src/plan/compatibility.ts';
import { readModules } from './tidy/module-graph.ts';

const root = join(import.meta.dirname, '..');

test('docs/compatibility.md is the table of rules; `npm run errors` renews it', () => {
  assert.equal(readFileSync(join(root, 'docs', 'compatibility.md'), 'utf8'), compatibilityPage());
});

test('every rule is named, told in full sentences, and found by some difference', () => {
  const text = readModules(root, ['src'])
    .filter(({ path }) => path.startsWith('src/plan/diff'))
    .map((file) => file.text)
    .join('\n');
  for (const [name, { what, why }] of Object.entries(COMPATIBILITY)) {
    assert.match(name, /^[a-z][a-z_]*$/);
    assert.match(why, /^[A-Z].*\.$/, name);
    assert.match(what, /^[a-z].*[^.]$/, name);
    assert.ok(text.includes(`'${name}'`), `${name} is found nowhere`);
  }
});
