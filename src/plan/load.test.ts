import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import { int64 } from '../define/column.ts';
import { stream } from '../define/stream.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { parsePlan } from './load.ts';
import { columns, flightOptions, lateFlight } from './sample-project.fixture.ts';
import { risk, training, turnover } from './sample-shop.fixture.ts';

function refuses(text: string, code: ErrorCode): void {
  assert.throws(
    () => parsePlan(text),
    (error: unknown) => error instanceof AsofError && error.code === code,
    text.slice(0, 80),
  );
}

test('a stored plan comes back as it was, integers beyond 2^53 included', () => {
  const exact = stream('exact', {
    ...flightOptions,
    columns: { ...columns, big: int64().max(2n ** 60n + 1n) },
  });
  const plan = compileProject([lateFlight, exact]);
  const loaded = parsePlan(canonicalJson(plan));
  assert.deepEqual(loaded, plan);
  assert.ok(Object.isFrozen(loaded.views));
});

test('a plan that was altered or cut short is never run', () => {
  const text = canonicalJson(compileProject([lateFlight]));
  refuses(text.slice(0, -10), 'malformed_json');
  refuses('[]', 'unreadable_file');
  refuses('{"format":1}', 'unreadable_file');
  refuses('{"format":"1"}', 'unreadable_file');
  refuses(text.replace('"format":1', '"format":2'), 'newer_format');
  refuses(text.replace('"sizeMs":10800000', '"sizeMs":10800001'), 'unreadable_file');
  refuses(text.replace('"allowedLatenessMs":43200000', '"allowedLatenessMs":1'), 'unreadable_file');
  refuses(text.replace('"optional":true', '"optional":false'), 'unreadable_file');
  refuses(text.replace('"feature":"late_share"', '"feature":"late_24h"'), 'unreadable_file');
  refuses(text.replace(/"groups":\[.*\],"services"/, '"groups":[],"services"'), 'unreadable_file');
});

test('tables, on-demand features and datasets come back as they were, and altered never run', () => {
  const plan = compileProject([training, turnover, risk]);
  const text = canonicalJson(plan);
  assert.deepEqual(parsePlan(text), plan);
  const alterations: readonly (readonly [string, string])[] = [
    ['SELECT … FROM', 'SELECT x FROM'],
    ['"upstreams":{"orders":"orders"', '"upstreams":{"orders":"merchants"'],
    ['"dayColumn":"ds"', '"dayColumn":"merchant"'],
    ['"duplicates":"fail"', '"duplicates":"latest"'],
    ['"keep":100', '"keep":1'],
    ['"ttlMs":2592000000', '"ttlMs":1'],
    ['"nullable":true,', ''],
    ['"request":[{"name":"amount"', '"request":[{"name":"amounts"'],
    ['"name":"over_limit"', '"name":"under_limit"'],
    ['"delayMs":172800000', '"delayMs":0'],
    ['"horizonMs":2592000000', '"horizonMs":1'],
    ['"sizeMs":2592000000', '"sizeMs":1'],
    ['"keyColumns":["order"]', '"keyColumns":["amount"]'],
    ['"default":0,"fn":"count","group"', '"default":1,"fn":"count","group"'],
    ['"known":"serving"', '"known":"final"'],
    ['"columns":{"amount":"amount"', '"columns":{"amount":"user"'],
    ['"fromMs":1772323200000', '"fromMs":0'],
    ['"serviceVersion":1', '"serviceVersion":2'],
  ];
  for (const [from, to] of alterations) {
    assert.ok(text.includes(from), from);
    refuses(text.replace(from, to), 'unreadable_file');
  }
});

test('a plan that an earlier release stored is read with what later releases added', () => {
  const plan = compileProject([lateFlight]);
  const later = [
    ...['changes', 'retractable', 'latenessMs', 'keep', 'state', 'rankPpm', 'ttlMs', 'table'],
    ...['origin', 'expectations', 'request', 'onDemand', 'datasets'],
  ];
  const former = JSON.stringify(plan, (key, value) =>
    later.includes(key) || (key === 'count' && value === null) ? undefined : value,
  );
  assert.ok(!former.includes('retractable') && !former.includes('rankPpm'));
  assert.deepEqual(parsePlan(former), plan);
  const [view] = plan.views;
  assert.ok(view?.hash.startsWith('8f667fc774ff80e9'), 'the hash that it was stored with');
});
