import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { count, sum } from '../../define/aggregate.ts';
import { int64, string, timestamp } from '../../define/column.ts';
import { topK } from '../../define/distribution.ts';
import { entity } from '../../define/entity.ts';
import { service } from '../../define/service.ts';
import { stream } from '../../define/stream.ts';
import { view } from '../../define/view.ts';
import { lifetime, sliding } from '../../define/window.ts';
import { compileProject } from '../../plan/compile.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { tileBytes } from '../../plan/tile-bytes.ts';
import { NO_PRICES } from './cost-config.ts';
import { costReport, type PlacedBytes } from './cost-report.ts';

const payments = stream('payments', {
  columns: { card: string(), shop: string(), amount: int64(), at: timestamp() },
  eventTime: 'at',
});
const card = entity('card', { keys: { card: string() } });
const NAMES = ['times', 'paid', 'large', 'shops'] as const;
const OTHERS = ['paid_1d', 'best'] as const;

/** Two views that share one group of tiles, with just these features. */
function views(kept: ReadonlySet<string>) {
  const options = { version: 1, source: payments, entity: card, key: { card: 'card' } } as const;
  const only = (all: object): never =>
    Object.fromEntries(Object.entries(all).filter(([name]) => kept.has(name))) as never;
  const isUsed = (names: readonly string[]): boolean => names.some((name) => kept.has(name));
  const use = view('use', {
    ...options,
    features: (payment) =>
      only({
        times: count().over(sliding('1h')),
        paid: sum(payment.amount).over(sliding('1h')),
        large: count().where(payment.amount.gt(100)).over(lifetime()),
        shops: topK(payment.shop, 5).over(lifetime()),
      }),
  });
  const more = view('more', {
    ...options,
    features: (payment) =>
      only({
        paid_1d: sum(payment.amount).over(sliding('1d')),
        best: topK(payment.amount, 3).over(lifetime()),
      }),
  });
  const both = [];
  if (isUsed(NAMES)) both.push(service('use', { version: 1, features: [use.all()] }));
  if (isUsed(OTHERS)) both.push(service('more', { version: 1, features: [more.all()] }));
  return both;
}

const ALL = [...NAMES, ...OTHERS];
const FULL = compileProject([payments, ...views(new Set(ALL))]);

function placed(plan: ProjectPlan, bytes: PlacedBytes): ReadonlyMap<string, PlacedBytes> {
  return new Map(plan.groups.map(({ id }) => [id, bytes]));
}

test('lines add up to what there is, and what is saved is what a plan without the rest lacks', () => {
  const bytes = { memory: 1_000, disk: 500, store: 0, offline: 7 };
  const prices = { ...NO_PRICES, perGiBMonth: { ...NO_PRICES.perGiBMonth, memory: 2 ** 30 } };
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...ALL), { minLength: 1 }), (read) => {
      const rows = new Map(
        read.map((name) => [
          `feature:${NAMES.some((one) => one === name) ? 'use' : 'more'}@1.${name}`,
          10,
        ]),
      );
      const report = costReport({
        ...{ plan: FULL, bytes: placed(FULL, bytes), days: 30, prices, storeProblem: null },
        ...{ reads: [{ day: '2026-01-01', rows }], countedSince: '2026-01-01' },
      });
      const total = (place: keyof PlacedBytes): number =>
        report.views.reduce((all, one) => all + one[place], 0);
      assert.ok(Math.abs(total('memory') - 1_000) < 1e-6);
      assert.ok(Math.abs(total('offline') - 7) < 1e-6);
      const unread = report.features.filter((one) => one.unread).map(({ feature }) => feature);
      assert.deepEqual(unread.toSorted(), ALL.filter((name) => !read.includes(name)).toSorted());
      const rest = compileProject([payments, ...views(new Set(read))]);
      const [full, less] = [FULL, rest].map(({ groups: [group] }) =>
        group === undefined ? 0 : tileBytes(group).typical,
      );
      const part = 1 - (less ?? 0) / (full ?? 1);
      assert.ok(Math.abs(report.saved.memory - 1_000 * part) < 1e-6);
      assert.ok(Math.abs((report.saved.perMonth ?? 0) - 1_000 * part) < 1e-6);
      for (const one of report.features) {
        assert.equal(one.reads, one.unread ? 0 : 10);
        const perThousand = one.unread ? null : ((one.perMonth ?? 0) / 10) * 1_000;
        assert.equal(one.perThousandReads, perThousand);
      }
    }),
    { numRuns: 40 },
  );
});

test('a service and a model read what they hold, and days add up', () => {
  const bytes = { memory: 10, disk: 0, store: 0, offline: 0 };
  const report = costReport({
    ...{ plan: FULL, bytes: placed(FULL, bytes), days: 10, prices: NO_PRICES, storeProblem: null },
    countedSince: '2026-01-01',
    reads: [
      { day: '2026-01-01', rows: new Map([['service:use@1', 5]]) },
      {
        day: '2026-01-03',
        rows: new Map([
          ['service:use@1', 2],
          ['service:gone@1', 9],
        ]),
      },
    ],
  });
  const [use, more] = ['use', 'more'].map((name) => report.views.find(({ view }) => view === name));
  assert.deepEqual([use?.reads, use?.lastRead, use?.unreadFeatures], [7, '2026-01-03', 0]);
  assert.deepEqual([more?.reads, more?.lastRead, more?.unreadFeatures], [0, null, 2]);
  assert.deepEqual([report.currency, use?.perMonth, report.saved.perMonth], [null, null, null]);
  assert.deepEqual(report.features[0]?.usedBy.length, 1);
});
