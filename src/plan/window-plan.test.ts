import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lifetime, sliding, tumbling, type Window } from '../define/window.ts';
import { IssueList } from './issue-list.ts';
import { defaultHopMs, resolveWindow, windowText } from './window-plan.ts';

function textOf(window: Window): string {
  const issues = new IssueList();
  const resolved = resolveWindow(window.node, 'here', issues);
  return issues.count > 0 || resolved === null ? `${issues.count} issues` : windowText(resolved);
}

test('default hops are those that the documentation states', () => {
  assert.equal(textOf(sliding('40ms')), 'sliding 40ms (hop 1ms)');
  assert.equal(textOf(sliding('1s')), 'sliding 1s (hop 10ms)');
  assert.equal(textOf(sliding('10m')), 'sliding 10m (hop 10s)');
  assert.equal(textOf(sliding('1h')), 'sliding 1h (hop 1m)');
  assert.equal(textOf(sliding('24h')), 'sliding 1d (hop 15m)');
  assert.equal(textOf(sliding('7d')), 'sliding 1w (hop 3h)');
  assert.equal(textOf(sliding('365d')), 'sliding 365d (hop 1d)');
});

test('a default hop is at most 2 % of its window', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (sizeMs) => {
      const hopMs = defaultHopMs(sizeMs);
      return hopMs === 1 || hopMs <= sizeMs * 0.02;
    }),
    { verbose: 1 },
  );
});

test('windows that cannot be are refused', () => {
  assert.equal(textOf(sliding('1h', { hop: '73s' })), '1 issues');
  assert.equal(textOf(sliding('1h', { hop: '72s' })), 'sliding 1h (hop 72s)');
  assert.equal(textOf(sliding('10ms', { hop: '1ms' })), 'sliding 10ms (hop 1ms)');
  assert.equal(textOf(sliding('1h', { exact: true, complete: true })), '1 issues');
  assert.equal(textOf(sliding('1h', { exact: true, hop: '1m' })), '1 issues');
  assert.equal(textOf(tumbling('1h', { offset: '1h' })), '1 issues');
  assert.equal(textOf(lifetime({ complete: true })), '1 issues');
  assert.equal(textOf(lifetime({ hop: '1d' })), '1 issues');
});

test('every window has a text', () => {
  assert.equal(textOf(sliding('1h', { exact: true })), 'sliding 1h (exact)');
  assert.equal(textOf(sliding('1h', { complete: true })), 'sliding 1h (hop 1m, complete)');
  assert.equal(textOf(tumbling('1d', { offset: '5h' })), 'tumbling 1d + 5h');
  assert.equal(textOf(tumbling('1d', { offset: '0h', complete: true })), 'tumbling 1d (complete)');
  assert.equal(textOf(lifetime()), 'lifetime');
  assert.equal(textOf(lifetime({ complete: true, hop: '1d' })), 'lifetime (hop 1d, complete)');
});
