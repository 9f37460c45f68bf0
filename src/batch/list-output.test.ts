import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AccumulatorFn } from '../aggregate/spec.ts';
import { ManualClock } from '../base/clock.ts';
import { column } from '../expr/build.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { AggregateFeaturePlan, ProjectPlan } from '../plan/plan.ts';
import type { ValueType } from '../schema/types.ts';
import type { EventRelations } from './event-relations.ts';
import { COLUMNS, loadEvents } from './random-events.fixture.ts';
import { eventAt, tinyProject } from './tiny-project.fixture.ts';
import { buildTrainingSet } from './training-set.ts';

let folder = '';
let session: DuckDbSession;
let history: EventRelations;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-lists-'));
  session = await DuckDbSession.open({ threads: 1 });
  const labels = ['it\'s "é"', '￿', '😀', '😀'];
  const events = labels.map((label, i) => {
    const event = eventAt(i + 1, 950 + i, 2n ** 60n);
    return { ...event, values: { ...event.values, label, cost: 150 - i, flag: i !== 0 } };
  });
  history = await loadEvents(session, events);
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

/** Features of one function each, by name, over the same 100 ms. */
const FEATURES = [
  { name: 'labels', of: 'label', fn: 'last_n', holds: 'newest' },
  { name: 'costs', of: 'cost', fn: 'first_n', holds: 'oldest' },
  { name: 'counted', of: 'cost', fn: 'histogram', holds: 'value_counts' },
  { name: 'top', of: 'label', fn: 'top_k', holds: 'value_counts' },
  { name: 'flags', of: 'flag', fn: 'histogram', holds: 'value_counts' },
  { name: 'wide', of: 'amount', fn: 'last_n', holds: 'newest' },
] as const satisfies readonly (Pick<AggregateFeaturePlan, 'name' | 'fn'> & {
  readonly of: string;
  readonly holds: AccumulatorFn;
})[];

function listProject(): ProjectPlan {
  const tiny = tinyProject();
  const [group] = tiny.groups;
  const [view] = tiny.views;
  const [total] = view?.features ?? [];
  const [service] = tiny.services;
  assert.ok(group && view && total && service);
  const typeOf = (name: string): ValueType => COLUMNS[name] ?? { kind: 'int64' };
  const groups = FEATURES.map(({ name, of, holds }) => ({
    ...group,
    id: name,
    lanes: [{ measure: column(of, typeOf(of)), filter: null, quantizeScale: null }],
    accumulators: [{ fn: holds, lane: 0, type: typeOf(of), size: 10 }],
  }));
  const features = FEATURES.map(({ name, of, fn }) => {
    const kind = fn === 'histogram' ? ('counts' as const) : ('list' as const);
    const type: ValueType = { kind, of: typeOf(of) };
    return { ...total, name, fn, group: name, parts: { value: 0 }, count: 3, type };
  }) as AggregateFeaturePlan[];
  const outputs = features.map(({ name, type }) => {
    return { name, view: view.name, version: 1, feature: name, type };
  });
  return {
    ...tiny,
    groups,
    views: [{ ...view, features }],
    services: [{ ...service, features: outputs }],
  };
}

async function train(spine: string, out: string): Promise<string> {
  const format = out.endsWith('.csv') ? '.csv' : '.ndjson';
  const path = join(folder, `spine${format}`);
  writeFileSync(path, spine);
  const target = join(folder, out);
  await buildTrainingSet({
    ...{ plan: listProject(), service: 'svc', history, spine: { path }, out: target, session },
    clock: new ManualClock(0),
  });
  return target;
}

const LISTS = {
  labels: ['￿', '😀', '😀'],
  costs: ['1.50', '1.49', '1.48'],
  counted: [147, 148, 149, 150].map((cents) => ({ value: `1.${cents - 100}`, count: 1 })),
  top: ['😀', 'it\'s "é"', '￿'],
  flags: [
    { value: 'false', count: 1 },
    { value: 'true', count: 3 },
  ],
  wide: Array.from({ length: 3 }, () => String(2n ** 60n)),
};

/** JSON with every digit: numbers and booleans as their own text. */
function digitsOf(text: string): unknown {
  const keep = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'boolean' || typeof value === 'number' ? context?.source : value;
  return JSON.parse(text, keep as never);
}

test('lists and counts are typed columns in Parquet', async () => {
  const out = await train(
    '{"user":"a","event_time":1000}\n{"user":"b","event_time":1000}\n',
    'a.parquet',
  );
  const types = await session.rows(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(${sqlString(out)}))`,
  );
  assert.deepEqual(types.slice(2), [
    ['labels', 'VARCHAR[]'],
    ['costs', 'DECIMAL(38,2)[]'],
    ['counted', 'STRUCT("value" DECIMAL(38,2), count BIGINT)[]'],
    ['top', 'VARCHAR[]'],
    ['flags', 'STRUCT("value" BOOLEAN, count BIGINT)[]'],
    ['wide', 'BIGINT[]'],
  ]);
  const rows = await session.rows(`SELECT labels, counted FROM read_parquet(${sqlString(out)})`);
  assert.deepEqual(rows[1], [null, null]);
});

test('in NDJSON they are arrays, in CSV the same as text', async () => {
  const lines = await train(
    '{"user":"a","event_time":1000}\n{"user":"b","event_time":1000}\n',
    'a.ndjson',
  );
  const [first, second] = readFileSync(lines, 'utf8').trim().split('\n');
  const text = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map((one) => (one?.count === undefined ? one : { ...one, count: Number(one.count) }))
      : value;
  const {
    user: _user,
    event_time: _time,
    ...read
  } = digitsOf(first ?? '') as Record<string, unknown>;
  const shown = Object.fromEntries(
    Object.entries(read).map(([name, value]) => [name, text(value)]),
  );
  assert.deepEqual(shown, LISTS);
  const nulls = Object.fromEntries(Object.keys(LISTS).map((name) => [name, null]));
  assert.deepEqual(JSON.parse(second ?? ''), { user: 'b', event_time: 1000, ...nulls });
  const csv = await train('user,event_time\na,1000\nb,1000\n', 'a.csv');
  const [cells = []] = await session.rows(
    `SELECT ${Object.keys(LISTS).join(', ')} FROM read_csv(${sqlString(csv)}, all_varchar = true)`,
  );
  const fromCsv = cells.map((cell) => text(digitsOf(String(cell))));
  assert.deepEqual(fromCsv, Object.values(LISTS));
});
