/** docs/serving-in-production.md does what it says, block by block, and names what there is. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';
import { pageOf, stepsOf } from './guide-steps.ts';
import { Reader } from './reader.ts';
import { METRICS } from './vocabulary.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const guide = pageOf('serving-in-production.md');
const steps = stepsOf(guide);

test('every link of the guide leads somewhere', () => {
  const targets = Array.from(guide.matchAll(/\]\(([^)#]+)/g), ([, target = '']) => target);
  assert.ok(targets.length > 10);
  for (const target of targets) assert.ok(existsSync(join(docs, target)), target);
});

test('every metric that the guide names is one of the code', () => {
  const named = Array.from(guide.matchAll(/`(asof_[a-z_]+)`/g), ([, name = '']) => name);
  assert.ok(named.length > 30);
  assert.deepEqual(
    named.filter((name) => !METRICS.has(name)),
    [],
  );
});

test('the guide on serving works, top to bottom', async (t) => {
  const compared = steps.filter((step) => step.kind === 'commands' && step.output !== null);
  assert.equal(compared.length, 4);
  const reader = new Reader(Project.create(t, null));
  for (const step of steps) await reader.take(step);
});
