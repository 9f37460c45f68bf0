/** docs/from-history-to-training-set.md does what it says, block by block. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';
import { missingLine, pageOf, stepsOf } from './guide-steps.ts';
import { Reader } from './reader.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = pageOf('from-history-to-training-set.md');
const steps = stepsOf(guide);

test('every link of the guide leads somewhere', () => {
  const targets = Array.from(guide.matchAll(/\]\(([^)#]+)/g), ([, target = '']) => target);
  assert.ok(targets.length > 5);
  for (const target of targets) assert.ok(existsSync(join(root, 'docs', target)), target);
});

test('what the guide shows is compared line by line', () => {
  assert.equal(missingLine('a\n…\nc  …\n', 'a\nb\nc 12\n'), null);
  assert.equal(missingLine('a\n…', 'a\nb\nc'), null);
  assert.match(missingLine('a\nc', 'a\nb\nc') ?? '', /^c\n.*b$/);
  assert.match(missingLine('a', 'a\nb') ?? '', /^the end\n.*b$/);
  assert.match(missingLine('a\n…\nd', 'a\nb\nc') ?? '', /^d\n/);
});

test('the guide from history to training set works, top to bottom', async (t) => {
  assert.ok(steps.filter(({ kind }) => kind === 'commands').length >= 12);
  const reader = new Reader(Project.create(t, null));
  for (const step of steps) await reader.take(step);
});
