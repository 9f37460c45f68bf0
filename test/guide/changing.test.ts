/** docs/changing-features-safely.md does what it says, block by block. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';
import { pageOf, stepsOf } from './guide-steps.ts';
import { Reader } from './reader.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const guide = pageOf('changing-features-safely.md');
const steps = stepsOf(guide);

test('every link of the guide leads somewhere', () => {
  const targets = Array.from(guide.matchAll(/\]\(([^)#]+)/g), ([, target = '']) => target);
  assert.ok(targets.length > 4);
  for (const target of targets) assert.ok(existsSync(join(docs, target)), target);
});

test('the guide on changing features safely works, top to bottom', async (t) => {
  const compared = steps.filter((step) => step.kind === 'commands' && step.output !== null);
  assert.ok(compared.length >= 10);
  const reader = new Reader(Project.create(t, null));
  for (const step of steps) await reader.take(step);
});
