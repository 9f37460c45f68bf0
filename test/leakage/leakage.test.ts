import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkLeakage } from '../../src/batch/leakage/check-leakage.ts';
import type { LeakFinding } from '../../src/batch/leakage/finding.ts';
import type { LeakageOptions, LeakageReport } from '../../src/batch/leakage/leakage-options.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { cleanWorld, LEAKY_PLAN, type LeakyWorld, loadWorld } from './leaky-world.ts';

const HOUR_MS = 3_600_000;
const CLEAN_SETS = 8;

let session: DuckDbSession;

before(async () => {
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => session.close());

async function look(
  world: LeakyWorld,
  options: Partial<LeakageOptions> = {},
): Promise<LeakageReport> {
  return checkLeakage({
    plan: LEAKY_PLAN,
    service: 'buys',
    history: await loadWorld(session, world),
    spine: { relation: '(SELECT * EXCLUDE (resolved) FROM labels)' },
    labelColumns: ['label'],
    labelTime: null,
    session,
    ...options,
  });
}

function of(report: LeakageReport, check: LeakFinding['check']): LeakFinding[] {
  return report.findings.filter((one) => one.check === check);
}

/** The one finding of a check; everything else that was found is only to know. */
function only(
  report: LeakageReport,
  check: LeakFinding['check'],
  severity: LeakFinding['severity'],
) {
  const [found, ...more] = report.findings.filter((one) => one.severity !== 'info');
  assert.deepEqual(
    [found?.check, found?.severity, more.map((one) => `${one.check} ${one.subject}`)],
    [check, severity, []],
    JSON.stringify(report.findings),
  );
  return found as LeakFinding;
}

test('in sets with nothing wrong in them nothing is found', async () => {
  let alarms = 0;
  for (let seed = 1; seed <= CLEAN_SETS; seed++) {
    const report = await look(cleanWorld(seed));
    alarms += report.findings.filter((one) => one.severity !== 'info').length;
    assert.equal(report.sampledRows, 600);
  }
  assert.equal(alarms, 0);
});

test('rows without a key are no leak', async () => {
  const relation = `(SELECT * EXCLUDE (resolved)
    REPLACE (CASE WHEN rowid % 10 > 0 THEN "user" END AS "user") FROM labels)`;
  const report = await look(cleanWorld(2), { spine: { relation } });
  assert.deepEqual(of(report, 'future'), []);
});

test('features that count what arrived later change once the future is taken away', async () => {
  const report = await look(cleanWorld(3), { known: 'final' });
  const found = of(report, 'future');
  assert.ok(found.some(({ subject }) => subject === 'spent_7d'));
  assert.ok(
    found.every(({ severity, remedy }) => severity === 'leak' && /--known serving/.test(remedy)),
  );
});

test('a feature that counts what the label writes tells it, and only at the very time', async () => {
  const world = cleanWorld(4);
  for (const row of world.rows.filter(({ label }) => label === 1)) {
    for (let i = 0; i < 60; i++) {
      const own = { user: row.user, amount: 0, eventTimeMs: row.timeMs };
      world.orders.push({ ...own, arrivalTimeMs: row.timeMs });
    }
  }
  const report = await look(world);
  const [found] = of(report, 'prediction').filter(({ subject }) => subject === 'orders_30m');
  assert.ok(found !== undefined, JSON.stringify(report.findings));
  assert.ok(Number(found.evidence.strengthEarlier) < Number(found.evidence.strength) / 2);
  assert.match(found.remedy, /--before/);
  assert.equal(of(report, 'own_event')[0]?.severity, 'warning');
  const without = await look(world, { before: true });
  assert.equal(
    of(without, 'prediction').filter(({ subject }) => subject === 'orders_30m').length,
    0,
  );
});

test('a request field that is the label', async () => {
  const world = cleanWorld(5);
  for (const row of world.rows) row.cart = row.label;
  assert.equal(only(await look(world), 'equals_label', 'leak').subject, 'cart');
});

test('times that were cut to their day', async () => {
  const world = cleanWorld(6);
  for (const row of world.rows) row.timeMs -= row.timeMs % (24 * HOUR_MS);
  const report = await look(world);
  const [found] = of(report, 'spine_times');
  assert.deepEqual(
    [found?.severity, found?.evidence.step, found?.evidence.share],
    ['warning', 'day', 1],
  );
  assert.ok(Number(found?.evidence.differing) > 0.5);
  for (const row of world.rows) row.timeMs += HOUR_MS * (row.cart % 24);
  assert.equal(of(await look(world), 'spine_times')[0]?.evidence.step, 'hour');
});

test('rows that are there twice, and such that contradict each other', async () => {
  const world = cleanWorld(7);
  for (const row of world.rows.slice(0, 30)) world.rows.push({ ...row });
  for (const row of world.rows.slice(30, 40)) world.rows.push({ ...row, label: 1 - row.label });
  const found = only(await look(world), 'duplicates', 'warning');
  assert.deepEqual([found.evidence.rows, found.evidence.contradicting], [80, 20]);
});

test('columns that were filled in later, and labels from before their rows', async () => {
  const world = cleanWorld(8);
  const resolved = {
    relation: '(SELECT * REPLACE (make_timestamp_ms(resolved) AS resolved) FROM labels)',
  };
  const found = only(
    await look(world, { spine: resolved, time: 'event_time' }),
    'later_columns',
    'warning',
  );
  assert.deepEqual([found.subject, found.evidence.share], ['resolved', 1]);
  for (const row of world.rows.slice(0, 100)) row.resolvedMs = row.timeMs - row.cart;
  const report = await look(world, { spine: resolved, time: 'event_time', labelTime: 'resolved' });
  assert.deepEqual(
    of(report, 'label_times').map(({ severity, evidence }) => [severity, evidence.rows]),
    [['leak', 100]],
  );
});

test('spine times in another zone than the events that they were made of', async () => {
  const world = cleanWorld(9);
  const shift = (hours: number): void => {
    for (const [at, row] of world.rows.entries()) {
      const event = world.orders[at];
      if (event === undefined) continue;
      row.user = event.user;
      row.timeMs = event.eventTimeMs + hours * HOUR_MS;
    }
  };
  shift(0);
  assert.deepEqual(of(await look(world), 'time_zones'), []);
  shift(5.5);
  const [late] = of(await look(world), 'time_zones');
  assert.deepEqual([late?.severity, late?.evidence.hours, late?.subject], ['leak', -5.5, 'orders']);
  shift(-3);
  const [early] = of(await look(world), 'time_zones');
  assert.deepEqual([early?.severity, early?.evidence.hours], ['warning', 3]);
});

test('a source that writes local times: hours before it arrives, and another day than its sister', async () => {
  const world = cleanWorld(10);
  for (const event of world.visits) event.eventTimeMs -= 7 * HOUR_MS;
  const report = await look(world);
  const [delayed] = of(report, 'whole_hours');
  assert.deepEqual(
    [delayed?.subject, delayed?.evidence.hours, delayed?.severity],
    ['visits', 7, 'warning'],
  );
  const [shifted] = of(report, 'time_zones');
  assert.equal(shifted?.subject, 'orders, visits');
  assert.ok(Math.abs(Number(shifted?.evidence.hours)) >= 5, JSON.stringify(shifted));
});

test('what cannot be checked is said, and a label that is not there is named', async () => {
  const report = await look(cleanWorld(11), { labelColumns: [] });
  assert.match(report.checks.prediction, /--label/);
  assert.equal(report.checks.future, 'done');
  await assert.rejects(look(cleanWorld(11), { labelColumns: ['lable'] }), /Did you mean 'label'/);
});
