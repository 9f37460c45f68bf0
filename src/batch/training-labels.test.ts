import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { present } from '../base/assert.ts';
import { ManualClock } from '../base/clock.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { LabelPlan, ProjectPlan } from '../plan/plan.ts';
import { canonicalValue } from './canonical-value.fixture.ts';
import { oracleAnswers } from './oracle-values.fixture.ts';
import {
  loadEvents,
  type ModelEvent,
  randomEvents,
  randomPoints,
  scalarSql,
} from './random-events.fixture.ts';
import { randomProject } from './random-project.fixture.ts';
import { buildTrainingSet } from './training-set.ts';

const SEEDS = 10;

let folder = '';
let session: DuckDbSession;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-labels-'));
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

/** Every aggregate of a random project as a label over its own horizon. */
function labelsOf(random: Random, plan: ProjectPlan): LabelPlan[] {
  return plan.views.flatMap((view) =>
    view.features.flatMap((feature): LabelPlan[] => {
      if (feature.kind !== 'aggregate' || feature.fn === 'latest') return [];
      const group = present(
        plan.groups.find(({ id }) => id === feature.group),
        'a group',
      );
      const horizonMs = random.pick([1, 20, 200, 600]);
      const window = { kind: 'sliding', sizeMs: horizonMs, hopMs: 1, exact: true } as const;
      return [
        {
          name: `label_${feature.name}`,
          horizonMs,
          delayMs: random.pick([0, 0, 7, 300]),
          view: { ...view, features: [{ ...feature, window: 0 }] },
          groups: [{ ...group, windows: [{ ...window, complete: false }] }],
        },
      ];
    }),
  );
}

test('labels are what the oracle sees at the end of their horizon, or null before it is known', async () => {
  let [compared, immature, nothing] = [0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const keep = seed % 2 === 0 ? 0 : 1 + (seed % 4);
    const { plan } = randomProject(random, keep);
    const labels = labelsOf(random, plan).filter(() => random.below(2) === 0);
    const events = randomEvents(random, random.pick([0, 250, 400]), keep > 0);
    const points = randomPoints(random, events, 60);
    const history = await loadEvents(session, events, keep > 0);
    await session.run(
      'CREATE OR REPLACE TABLE spine ("user" VARCHAR, shop BIGINT, event_time BIGINT)',
    );
    const rows = points.map(
      ({ user, shop, timeMs }) => `(${[user, shop, timeMs].map(scalarSql).join(', ')})`,
    );
    await session.run(`INSERT INTO spine VALUES ${rows.join(', ')}`);
    const out = join(folder, 'labels.parquet');
    const spine = { relation: 'spine' };
    const known = seed % 3 === 0 ? 'final' : 'serving';
    const report = await buildTrainingSet({
      ...{ plan, service: 'svc', history, spine, out, labels, known, session },
      before: seed % 5 === 0,
      clock: new ManualClock(0),
    });
    const newestMs = Math.max(-1, ...events.map((event) => event.arrivalTimeMs));
    const names = labels.map(({ name }) => `"${name}"`).join(', ');
    const found = await session.rows(`SELECT ${names} FROM read_parquet(${sqlString(out)})`);
    for (const [at, label] of labels.entries()) {
      let waiting = 0;
      for (const [index, point] of points.entries()) {
        const endMs = point.timeMs === null ? null : point.timeMs + label.horizonMs;
        const isKnown = endMs !== null && endMs + label.delayMs <= newestMs;
        if (endMs !== null && !isKnown) waiting += 1;
        const isVisible = (event: ModelEvent): boolean =>
          event.arrivalTimeMs <= (endMs ?? 0) + label.delayMs;
        const own = { ...plan, views: [label.view], groups: label.groups };
        const { values } = oracleAnswers(own, events, { ...point, timeMs: endMs }, isVisible);
        const expected = isKnown ? values[label.view.features[0]?.name ?? ''] : null;
        const actual = canonicalValue(found[index]?.[at]);
        assert.deepEqual(actual, expected, inspect({ seed, label, point }, { depth: 9 }));
        compared += 1;
        if (actual === null) nothing += 1;
      }
      assert.equal(report.labels[label.name]?.immature, waiting);
      immature += waiting;
    }
  }
  assert.ok(immature > 50 && compared - nothing > 150, `${compared}, ${immature}, ${nothing}`);
});
