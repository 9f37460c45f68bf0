import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { count, sum } from '../define/aggregate.ts';
import { decimal, string, timestamp } from '../define/column.ts';
import { dashboard } from '../define/dashboard.ts';
import { dataset } from '../define/dataset.ts';
import { entity } from '../define/entity.ts';
import { model } from '../define/model.ts';
import { service } from '../define/service.ts';
import { spineFile } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import { parsePlan } from './load.ts';

const payments = stream('payments', {
  columns: { user: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
});
const user = entity('user', { keys: { user: string() } });
const spend = view('spend', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  features: (payment) => ({
    total_7d: sum(payment.amount).over(sliding('7d')),
    orders_1h: count().over(sliding('1h')),
  }),
});
const checks = service('checks', { version: 1, features: [spend.all()] });

test('a model is pinned to a service version and to the outputs that it may read', () => {
  const scorer = model('scorer', {
    version: 7,
    service: checks,
    reads: ['total_7d'],
    expect: { total_7d: { min: 0, nullShareMax: 0.1 } },
    onViolation: 'refuse',
  });
  const plan = compileProject([scorer]);
  const [compiled] = plan.models;
  assert.equal(compiled?.service, 'checks');
  assert.equal(compiled?.serviceVersion, 1);
  assert.deepEqual(compiled?.reads, [
    {
      name: 'total_7d',
      type: { kind: 'decimal', scale: 2 },
      feature: { view: 'spend', version: 1, name: 'total_7d' },
    },
  ]);
  assert.equal(compiled?.expectations.total_7d?.min, 0);
  assert.deepEqual(parsePlan(canonicalJson(plan)), plan);
});

test('all outputs are read, and violations flagged, where nothing else is said', () => {
  const [compiled] = compileProject([model('scorer', { version: 1, service: checks })]).models;
  assert.deepEqual(
    compiled?.reads.map(({ name }) => name),
    ['orders_1h', 'total_7d'],
  );
  assert.equal(compiled?.onViolation, 'flag');
});

test('what a stored model means is checked against its hash', () => {
  const text = canonicalJson(compileProject([model('scorer', { version: 1, service: checks })]));
  const altered = text.replace('"onViolation":"flag"', '"onViolation":"refuse"');
  assert.notEqual(altered, text);
  assert.throws(() => parsePlan(altered), /hash of the model 'scorer@1'/);
});

test('a model that cannot be is refused with every reason', () => {
  const wrong = model('scorer', {
    version: 0,
    service: checks,
    // @ts-expect-error the service has no such output
    reads: ['total_7d', 'totl_7d'],
    // @ts-expect-error answers have no distribution
    expect: { total_7d: { distinctMin: 3 } },
    // @ts-expect-error nothing else can be done
    onViolation: 'ignore',
  });
  assert.throws(
    () => compileProject([wrong]),
    (error: unknown) => {
      assert.ok(error instanceof AsofError);
      const paths = error.issues.map(({ path }) => path).sort();
      assert.deepEqual(paths, [
        'models.scorer.expect.total_7d.distinctMin',
        'models.scorer.onViolation',
        'models.scorer.reads.totl_7d',
        'models.scorer.version',
      ]);
      assert.match(error.issues.map(({ message }) => message).join(), /Did you mean 'total_7d'/);
      return true;
    },
  );
});

test('a model names the dataset that it was trained on, of the same service version', () => {
  const rows = spineFile('rows.csv');
  const learnt = dataset('learnt', { version: 3, service: checks, spine: rows });
  const plan = compileProject([
    model('scorer', { version: 1, service: checks, trainedOn: learnt }),
  ]);
  assert.deepEqual(plan.models[0]?.trainedOn, { dataset: 'learnt', version: 3 });
  assert.equal(plan.datasets.length, 1);
  assert.deepEqual(parsePlan(canonicalJson(plan)), plan);
  const other = service('other', { version: 1, features: [spend.pick('total_7d')] });
  assert.throws(
    () => compileProject([model('scorer', { version: 1, service: other, trainedOn: learnt })]),
    (error: unknown) =>
      error instanceof AsofError && /trained on checks@1/.test(error.issues[0]?.message ?? ''),
  );
});

test('a changed contract under one version is refused by the diff', () => {
  const before = compileProject([model('scorer', { version: 1, service: checks })]);
  const after = compileProject([
    model('scorer', { version: 1, service: checks, reads: ['total_7d'] }),
  ]);
  const [change] = diffPlans(before, after).changes;
  assert.equal(change?.kind, 'model');
  assert.equal(change?.change, 'refused');
  assert.deepEqual(change?.sentences, ['reads: orders_1h, total_7d → total_7d']);
});

test('a dashboard shows features of views, each once', () => {
  const board = dashboard('losses', {
    url: 'https://bi.example.org/losses',
    reads: [spend.pick('total_7d'), spend.all()],
  });
  const [compiled] = compileProject([board]).dashboards;
  assert.deepEqual(
    compiled?.reads.map(({ feature }) => feature),
    ['orders_1h', 'total_7d'],
  );
  const wrong = dashboard('losses', { url: 'no address', reads: [] });
  assert.throws(() => compileProject([wrong]), AsofError);
});
