import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { processTimers } from '../../src/base/timers.ts';
import { sum } from '../../src/define/aggregate.ts';
import { float64, int64, string } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { view } from '../../src/define/view.ts';
import { lifetime } from '../../src/define/window.ts';
import type { CallEnd, FunctionRunner, FunctionValue } from '../../src/plan/function-runner.ts';
import type { FeatureResponse } from '../../src/serve/answer.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { FunctionAnswers } from '../../src/serve/functions/function-answers.ts';
import { objectSink } from '../../src/serve/object-sink.ts';
import type { OnlineStore } from '../../src/store/online-store.ts';
import { flights, type Row, ServingWorld, START_MS } from './world.ts';

const delays = view('delays', {
  version: 1,
  source: flights,
  entity: entity('airport', { keys: { airport: string() } }),
  key: { airport: 'origin' },
  freshness: '5s',
  features: (flight) => ({ delay_sum: sum(flight.delay).over(lifetime()) }),
});

function judged(version: number) {
  return service('judged', {
    version,
    features: [delays.all()],
    request: { weight: float64() },
    functions: (chain) =>
      chain.compute('judge', {
        version,
        inputs: ['delay_sum', 'weight'],
        outputs: { judgement: int64() },
        run: () => ({ judgement: 0 }),
      }),
  });
}

function plain(version: number) {
  return service('judged', { version, features: [delays.all()] });
}

/** Adds the inputs, once it is told to. */
class PatientRunner implements FunctionRunner {
  readonly begun: (() => void)[] = [];

  run(_plan: unknown, calls: readonly (readonly FunctionValue[])[]): Promise<readonly CallEnd[]> {
    return new Promise((resolve) => {
      this.begun.push(() =>
        resolve(
          calls.map(([a, b]) => ({ kind: 'done', values: [Number(a ?? 0) + Number(b ?? 0)] })),
        ),
      );
    });
  }
}

const flight = (origin: string, delay: number): Row => ({
  ...{ flight: `${origin}${delay}`, origin, destination: 'SFO', pilot: 1, delay },
  departs: START_MS,
});

function serverOf(world: ServingWorld, runner: FunctionRunner): FeatureServer {
  return new FeatureServer({
    plan: world.plan,
    store: world.store,
    clock: world.clock,
    functions: new FunctionAnswers(runner, systemClock, processTimers),
  });
}

function ask(
  server: FeatureServer,
  airports: readonly string[],
  fields: object = { weight: 1 },
): Promise<FeatureResponse> {
  const rows = airports.map((airport) => ({ airport, ...fields }));
  const request = { service: 'judged', version: 1, model: undefined, rows };
  return Promise.resolve(server.read(request, objectSink));
}

test('an answer speaks of its own moment, whatever comes in while its functions run', async () => {
  const world = new ServingWorld([flights, judged(1)]);
  world.apply([flight('ATL', 10)], START_MS);
  const runner = new PatientRunner();
  const server = serverOf(world, runner);
  const first = ask(server, ['ATL', 'JFK']);
  world.apply([flight('ATL', 7), flight('JFK', 3)], START_MS + 60_000);
  const second = ask(server, ['ATL', 'JFK']);
  for (const end of runner.begun.toReversed()) end();
  const [before, after] = await Promise.all([first, second]);
  assert.deepEqual(
    [before, after].map(({ asOfMs, position, freshness, rows }) => ({
      at: [asOfMs, position.commit],
      fresh: [freshness.delays?.newestArrivalMs, freshness.delays?.stalenessMs],
      values: rows.map(({ values }) => [values.delay_sum, values.judgement]),
    })),
    [
      {
        at: [START_MS, 1],
        fresh: [START_MS, 0],
        values: [
          [10, 11],
          [null, 1],
        ],
      },
      {
        at: [START_MS + 60_000, 2],
        fresh: [START_MS + 60_000, 0],
        values: [
          [17, 18],
          [3, 4],
        ],
      },
    ],
  );
});

test('what is stale is told of the same moment in values and envelope', async () => {
  const world = new ServingWorld([flights, judged(1)]);
  world.apply([flight('ATL', 10)], START_MS);
  world.clock.advanceTo(START_MS + 6_000);
  const runner = new PatientRunner();
  const asked = ask(serverOf(world, runner), ['ATL']);
  world.apply([flight('ATL', 7)], START_MS + 7_000);
  for (const end of runner.begun) end();
  const { freshness, rows } = await asked;
  assert.deepEqual(rows[0]?.statuses, { delay_sum: 'stale', judgement: 'stale' });
  assert.equal(freshness.delays?.stale, true);
});

test('definitions that are exchanged while rows are fetched do not lend their position', async () => {
  const world = new ServingWorld([flights, plain(1)]);
  world.apply([flight('ATL', 10)], START_MS);
  const come = Promise.withResolvers<void>();
  const rows = { bind: () => {}, lastKnown: new Map() };
  const store: OnlineStore = {
    applied: world.store.applied,
    group: (id) => world.store.group(id),
    fetcher: { fetch: () => come.promise.then(() => rows) },
  };
  const server = new FeatureServer({ plan: world.plan, store, clock: world.clock });
  const asked = ask(server, ['ATL'], {});
  const other = new ServingWorld([flights, plain(2)]);
  other.apply([flight('ATL', 1)], START_MS + 60_000);
  other.apply([flight('ATL', 2)], START_MS + 60_000);
  server.use(other.plan, other.store);
  come.resolve();
  const { version, position, freshness, rows: answered } = await asked;
  assert.deepEqual([version, position.commit, answered[0]?.values.delay_sum], [1, 1, 10]);
  assert.equal(freshness.delays?.newestArrivalMs, START_MS);
});

test('definitions that are exchanged while functions run change nothing of the answer', async () => {
  const world = new ServingWorld([flights, judged(1)]);
  world.apply([flight('ATL', 10)], START_MS);
  const runner = new PatientRunner();
  const server = serverOf(world, runner);
  const asked = ask(server, ['ATL']);
  const other = new ServingWorld([flights, judged(2)]);
  server.use(other.plan, other.store);
  for (const end of runner.begun) end();
  const { version, position, freshness, rows } = await asked;
  assert.deepEqual([version, position.commit, rows[0]?.values.judgement], [1, 1, 11]);
  assert.equal(freshness.delays?.newestArrivalMs, START_MS);
});
