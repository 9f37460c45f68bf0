import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import { call, column, literal } from '../expr/build.ts';
import { newFaults } from '../expr/faults.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { evaluateNaive } from '../expr/naive.ts';
import type { ExprNode } from '../expr/node.ts';
import { referencedColumns } from '../expr/references.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { OnDemandFeaturePlan, ProjectPlan, ServicePlan } from '../plan/plan.ts';
import type { FeatureStatus } from '../schema/status.ts';
import {
  canonicalInteger,
  type FeatureValue,
  type Scalar,
  type ValueType,
} from '../schema/types.ts';
import { oracleAnswers } from './oracle-values.fixture.ts';
import { loadEvents, randomEvents, randomPoints, scalarSql } from './random-events.fixture.ts';
import { randomProject } from './random-project.fixture.ts';
import { replayServed } from './replay.ts';
import { buildTrainingSet } from './training-set.ts';

let folder = '';
let session: DuckDbSession;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-on-demand-'));
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

const INT64: ValueType = { kind: 'int64' };
const MONEY: ValueType = { kind: 'decimal', scale: 2 };
const DOUBLE: ValueType = { kind: 'float64', scale: 6 };
const META = { owner: null, description: null, tags: [] };

type Request = Readonly<Record<string, Scalar>>;

function onDemand(name: string, expr: ExprNode, fallback: OnDemandFeaturePlan['default'] = null) {
  return { name, expr, type: expr.type, default: fallback, meta: META };
}

/** A random project whose service also asks for three fields. */
function askingProject(seed: number): { plan: ProjectPlan; service: ServicePlan } {
  const { plan } = randomProject(seededRandom(seed), seed % 3);
  const [service] = plan.services;
  assert.ok(service !== undefined);
  const number = service.features.find(({ type }) => type.kind === 'int64');
  const wait = column('wait', INT64);
  const other = number === undefined ? wait : column(number.name, INT64);
  const asking: ServicePlan = {
    ...service,
    request: [
      { name: 'paid', type: MONEY, optional: false },
      { name: 'wait', type: INT64, optional: true },
      { name: 'weight', type: DOUBLE, optional: true },
    ],
    onDemand: [
      onDemand('more', call('add', [wait, other]), -1),
      onDemand('share', call('div', [column('paid', MONEY), literal(MONEY, 300)])),
      onDemand('again', call('mul', [column('more', INT64), literal(INT64, 2)])),
      onDemand('heavy', call('gt', [column('weight', DOUBLE), literal(DOUBLE, 0.5)]), false),
    ],
  };
  return { plan: { ...plan, services: [asking] }, service: asking };
}

function requestOf(seed: number): Request {
  const random = seededRandom(seed);
  return {
    paid: random.pick([0, 1, -250, 99_999, 10n ** 18n]),
    wait: random.pick([null, 0, 7, 2n ** 63n - 1n, -(2n ** 62n)]),
    weight: random.pick([null, 0.1, 0.5, 1e300, -3]),
  };
}

interface Answers {
  readonly values: Record<string, FeatureValue>;
  readonly statuses: Record<string, FeatureStatus>;
}

/** By the letter: each expression over the request, the outputs and those before it. */
function withOracle({ onDemand: asked }: ServicePlan, request: Request, answers: Answers): Answers {
  const values = { ...answers.values };
  const statuses = { ...answers.statuses };
  for (const { name, expr, type, default: declared } of asked) {
    const faults = newFaults();
    const at = (input: string): Scalar =>
      (input in request ? request[input] : values[input]) as Scalar;
    const value = evaluateNaive(expr, at, faults);
    const isBroken = referencedColumns(expr).some((input) => statuses[input] === 'error');
    values[name] = value ?? scalarOfLiteral(type, declared);
    const status = isBroken || faults.overflow > 0 ? 'error' : 'default';
    statuses[name] = value === null ? status : 'present';
  }
  return { values, statuses };
}

function canonical(value: unknown): unknown {
  return typeof value === 'bigint' ? canonicalInteger(value) : value;
}

test('training gives what serving would, from columns of the spine', async () => {
  const seen = new Set<unknown>();
  for (let seed = 1; seed <= 10; seed++) {
    const { plan, service } = askingProject(seed);
    const random = seededRandom(seed);
    const events = randomEvents(random, 120, seed % 3 > 0);
    const history = await loadEvents(session, events, seed % 3 > 0);
    const points = randomPoints(random, events, 40);
    const rows = points.map(({ user, shop, timeMs }, at) => {
      const { paid, wait, weight } = requestOf(at);
      const own = [user, shop, timeMs, wait].map((each) => scalarSql(each ?? null));
      const double = weight === null ? 'NULL' : `'${weight}'`;
      return `(${own.join(', ')}, ${at % 9 === 8 ? 'NULL' : `${paid} / 100`}, ${double})`;
    });
    await session.run(`CREATE OR REPLACE TABLE spine ("user" VARCHAR, shop INTEGER,
      event_time BIGINT, wait BIGINT, paid DECIMAL(38, 4), weight DOUBLE)`);
    const exact = rows.map((row) =>
      row.replace(/([-\d]+) \/ 100/, 'CAST($1 AS DECIMAL(34, 0)) * 0.01'),
    );
    await session.run(`INSERT INTO spine VALUES ${exact.join(', ')}`);
    const out = join(folder, `${seed}.parquet`);
    const more = { statuses: true, clock: new ManualClock(0), session, history };
    const report = await buildTrainingSet({
      plan,
      service: 'svc',
      spine: { relation: 'spine' },
      out,
      ...more,
    });
    assert.deepEqual(report.features.slice(-4), ['more', 'share', 'again', 'heavy']);
    const result = await session.run(`SELECT * FROM read_parquet(${sqlString(out)})`);
    const trained = await result.getRowObjects();
    for (const [at, point] of points.entries()) {
      const { timeMs } = point;
      const isAsked = timeMs !== null && Boolean(point.user) && point.shop !== null && at % 9 !== 8;
      const features = oracleAnswers(
        plan,
        events,
        point,
        (event) => event.arrivalTimeMs <= (timeMs ?? -1),
      );
      const { values, statuses } = withOracle(service, requestOf(at), features);
      for (const { name } of service.onDemand) {
        const what = `seed ${seed}, row ${at}, ${name}`;
        assert.deepEqual(canonical(trained[at]?.[name]), isAsked ? values[name] : null, what);
        const status = trained[at]?.[`${name}_status`];
        if (status === undefined) continue;
        assert.equal(status, isAsked ? statuses[name] : null, what);
        seen.add(status);
      }
    }
  }
  assert.deepEqual([...seen].sort(), ['default', 'error', 'present', null].sort());
});

test('replay proves on-demand values from the fields that the log keeps', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { plan, service } = askingProject(seed);
    const random = seededRandom(seed);
    const events = randomEvents(random, 120, seed % 3 > 0);
    const history = await loadEvents(session, events, seed % 3 > 0);
    const points = randomPoints(random, events, 40).filter(
      ({ timeMs, user, shop }) => timeMs !== null && Boolean(user) && shop !== null,
    );
    const answers = points.map((point, at) => {
      const commit = Math.min(point.commit, history.through);
      const features = oracleAnswers(plan, events, point, (event) => event.commit <= commit);
      const key = { user: point.user, shop: point.shop };
      const request = requestOf(at);
      const place = { service: 'svc', version: 1, key, request, asOfMs: point.timeMs ?? 0, commit };
      return { ...place, ...withOracle(service, request, features) };
    });
    const report = await replayServed({ plan, history, answers, session });
    assert.deepEqual(report.mismatches, [], `seed ${seed}`);
    assert.equal(report.identical, answers.length * (service.features.length + 4));
    const [first] = answers;
    assert.ok(first !== undefined);
    const wrong = [{ ...first, request: { ...first.request, paid: 12_345 } }];
    const { mismatches } = await replayServed({ plan, history, answers: wrong, session });
    assert.deepEqual(
      mismatches.map(({ feature, explanation }) => [feature, explanation.kind]),
      [['share', 'derived']],
    );
  }
});

test('a spine without a field, or with one that serving would refuse, is refused', async () => {
  const { plan } = askingProject(1);
  const history = await loadEvents(session, [], true);
  const build = (name: string, text: string, out = 'out.csv') => {
    const path = join(folder, name);
    writeFileSync(path, text);
    const more = { clock: new ManualClock(0), session, history };
    return buildTrainingSet({
      plan,
      service: 'svc',
      spine: { path },
      out: join(folder, out),
      ...more,
    });
  };
  const head = 'user,shop,event_time';
  const cases: [string, string, RegExp][] = [
    ['a.csv', `${head},pald\nx,1,5,2\n`, /lacks the request field 'paid'. Did you mean 'pald'/],
    [
      'b.csv',
      `${head},paid\nx,1,5,1.234\nx,1,5,2\n`,
      /1 row\(s\) of the spine have a 'paid' that is no decimal\(2\)/,
    ],
    ['c.csv', `${head},paid,wait\nx,1,5,1.23,soon\n`, /'wait' is VARCHAR in the spine, but int64/],
    ['d.ndjson', '{"user":"x","shop":1,"event_time":5,"paid":1.005}\n', /that is no decimal\(2\)/],
  ];
  for (const [name, text, message] of cases) {
    await assert.rejects(build(name, text), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'invalid_spine');
      assert.match(error.message, message);
      return true;
    });
  }
  const report = await build('e.csv', `${head},paid\nx,1,5,9007199254740993.07\nx,1,6,\n`);
  assert.equal(report.rows, 2);
  const [first, second] = await session.rows(
    `SELECT share, heavy FROM read_csv(${sqlString(join(folder, 'out.csv'))})`,
  );
  assert.deepEqual([first?.[0], second?.[0]], [9007199254740994 / 3, null]);
  const exact = await build(
    'f.ndjson',
    '{"user":"x","shop":1,"event_time":5,"paid":0.29}\n',
    'f.parquet',
  );
  assert.equal(exact.rows, 1);
  const [row] = await session.rows(
    `SELECT share FROM read_parquet(${sqlString(join(folder, 'f.parquet'))})`,
  );
  assert.deepEqual(row, [29 / 300]);
  const empty = await build('g.csv', `${head},paid\n`);
  assert.equal(empty.rows, 0);
});
