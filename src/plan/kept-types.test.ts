import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { avg, count, max } from '../define/aggregate.ts';
import { float64, string, timestamp } from '../define/column.ts';
import { lastN } from '../define/distribution.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import { parsePlan } from './load.ts';
import { NOTHING } from './no-plan.ts';

const source = stream('payments', {
  columns: { at: timestamp(), user: string(), amount: float64() },
  eventTime: 'at',
});
const user = entity('user', { keys: { user: string() } });

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript may give.
type Any = any;

function spending(kept: unknown, options: { more?: (row: Any) => object; fallback?: number } = {}) {
  const as = (feature: Any): Any => (kept === undefined ? feature : feature.as(kept));
  const { more = () => ({}), fallback } = options;
  const defaulted = (feature: Any): Any =>
    fallback === undefined ? feature : feature.default(fallback);
  return view('spending', {
    version: 1,
    source,
    entity: user,
    key: { user: 'user' },
    features: (row: Any) => ({
      mean: defaulted(as(avg(row.amount).over(lifetime()))),
      most: max(row.amount).over(lifetime()),
      ...more(row),
    }),
    derived: (feature: Any) => ({ share: as(feature.mean.div(feature.most)) }),
  } as Any);
}

function issuesOf(...definitions: unknown[]): string[] {
  try {
    compileProject(definitions);
  } catch (error) {
    assert.ok(error instanceof AsofError);
    return error.issues.map(({ code, path, message }) => `${code} ${path} ${message}`);
  }
  return [];
}

test('how a feature is kept is part of what its view means, and of nothing else', () => {
  const plans = [undefined, 'float32', 'float16'].map((kept) => compileProject([spending(kept)]));
  assert.equal(new Set(plans.map(({ views }) => views[0]?.hash)).size, 3);
  assert.equal(new Set(plans.map(({ groups }) => canonicalJson(groups as Any))).size, 1);
  const [plain, single] = plans;
  assert.ok(plain !== undefined && single !== undefined);
  assert.ok(!canonicalJson(plain as Any).includes('kept'));
  const features = Object.fromEntries((single.views[0]?.features ?? []).map((f) => [f.name, f]));
  assert.deepEqual(features.mean?.type, { kind: 'float64', scale: 6, kept: 'float32' });
  assert.deepEqual(features.most?.type, { kind: 'float64', scale: 6 });
  for (const plan of plans) assert.deepEqual(parsePlan(canonicalJson(plan as Any)), plan);
});

test('a change of it under one version is breaking, and a new view tells the error', () => {
  const [plain, single, half] = [undefined, 'float32', 'float16'].map((kept) =>
    compileProject([spending(kept)]),
  );
  assert.ok(plain !== undefined && single !== undefined && half !== undefined);
  for (const [before, after, text] of [
    [plain, single, /feature mean type: float64 .*float32/],
    [single, half, /feature mean type: float32 .*float16/],
    [half, plain, /feature mean type: float16 .*float64/],
  ] as const) {
    const told = JSON.stringify(diffPlans(before, after));
    assert.match(told, text);
    assert.match(told, /feature_type_changed/);
  }
  const fresh = JSON.stringify(diffPlans(NOTHING, single));
  assert.match(fresh, /feature mean: float32 \(relative error at most 2\^-24/);
  assert.match(fresh, /feature share: float32 .*toFloat32\(mean \/ most\)/);
});

test('a default is rounded as values are', () => {
  const of = (kept: string, fallback: number) =>
    compileProject([spending(kept, { fallback })]).views[0]?.features.find(
      ({ name }) => name === 'mean',
    )?.default;
  assert.equal(of('float32', 0.1), Math.fround(0.1));
  assert.equal(of('float16', 65_519), 65_504);
  assert.match(issuesOf(spending('float16', { fallback: 65_520 })).join(), /^out_of_range .*mean/);
});

test('only what is a float64 is kept in fewer bits, and only in formats that there are', () => {
  assert.match(issuesOf(spending('int4')).join(), /invalid_definition .*"int4"/);
  const others = (row: Any) => ({
    n: (count() as Any).over(lifetime()).as('float32'),
    list: (lastN(row.amount, 3) as Any).over(lifetime()).as('float16'),
  });
  const [first = '', second = ''] = issuesOf(spending(undefined, { more: others }));
  assert.match(first + second, /type_mismatch .*list\(float64\)/);
  assert.match(first + second, /type_mismatch .*A int64/);
});

test('what reads a kept feature computes with float64', () => {
  const scores = service('scores', {
    version: 1,
    features: [spending('float32').all()],
    onDemand: ({ feature }: Any) => ({ twice: feature.mean.add(feature.mean).abs() }),
  } as Any);
  const [planned] = compileProject([scores]).services;
  assert.deepEqual(planned?.onDemand[0]?.type, { kind: 'float64', scale: 6 });
});
