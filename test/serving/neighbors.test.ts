import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/app/config.ts';
import { Platform } from '../../src/app/platform.ts';
import { LIMITS } from '../../src/base/limits.ts';
import { seededRandom } from '../../src/base/random.ts';
import {
  entity,
  int64,
  latest,
  service,
  stream,
  string,
  timestamp,
  vector,
  view,
} from '../../src/index.ts';
import { compileProject } from '../../src/plan/compile.ts';

const SIZE = 8;
const COUNT = 2 * LIMITS.neighborsExact;
const NOW_MS = Date.now() - 60_000;

const points = stream('points', {
  columns: { at: timestamp(), city: string(), house: int64(), place: vector(SIZE) },
  eventTime: 'at',
});
const home = entity('home', { keys: { city: string(), house: int64() } });
const places = view('places', {
  version: 1,
  source: points,
  entity: home,
  key: { city: 'city', house: 'house' },
  features: (row) => ({ place: latest(row.place) }),
  neighbors: { place: 'distance' },
});
const plan = compileProject([service('homes', { version: 1, features: [places.all()] })]);

async function post(platform: Platform, path: string, body: string) {
  const response = await fetch(`${platform.url}${path}`, {
    ...{ method: 'POST', body, headers: { 'content-type': 'application/json' } },
  });
  assert.equal(response.status, 200, await response.clone().text());
  // biome-ignore lint/suspicious/noExplicitAny: bodies differ from route to route.
  return (await response.json()) as any;
}

const random = seededRandom(21);
const draw = (): number => Math.fround(random.below(1_000_001) / 1_000_000);
const vectors = Array.from({ length: COUNT }, () => Array.from({ length: SIZE }, draw));

function nearest(query: readonly number[], k: number): { house: number; measure: number }[] {
  return vectors
    .map((own, house) => {
      const squares = own.reduce((sum, x, i) => {
        const difference = x - (query[i] ?? Number.NaN);
        return sum + difference * difference;
      }, 0);
      return { house, measure: Math.sqrt(squares) };
    })
    .sort((a, b) => a.measure - b.measure)
    .slice(0, k);
}

const search = (platform: Platform, place: readonly number[]) =>
  post(
    platform,
    '/v1/neighbors',
    JSON.stringify({ view: 'places', feature: 'place', vector: place, k: 10 }),
  );

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`never: ${what}`);
}

async function hold(platform: Platform): Promise<void> {
  const origin = new Array<number>(SIZE).fill(0);
  await until('the index has all vectors', async () => {
    const { index } = await search(platform, origin);
    return index.ready && index.vectors === COUNT;
  });
  let found = 0;
  for (let nr = 0; nr < 20; nr++) {
    const query = Array.from({ length: SIZE }, draw);
    const expected = nearest(query, 10);
    const { neighbors, index, complete } = await search(platform, query);
    assert.deepEqual([index.search, complete, neighbors.length], ['approximate', true, 10]);
    for (const [at, { key, measure, values }] of neighbors.entries()) {
      assert.deepEqual(values.place, vectors[key.house], 'the vector is that of its row');
      assert.equal(measure, nearestOf(query, key.house), 'and so is the measure, to the bit');
      assert.ok(at === 0 || neighbors[at - 1].measure <= measure, 'the nearest first');
      if (expected.some(({ house }) => house === key.house)) found += 1;
    }
  }
  assert.ok(found >= 190, `${found} of 200 were found`);
}

function nearestOf(query: readonly number[], house: number): number {
  let sum = 0;
  for (const [i, x] of (vectors[house] ?? []).entries()) {
    const difference = x - (query[i] ?? Number.NaN);
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

test('of many vectors most of the nearest are found, also after a restart; recall is measured', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-neighbors-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
  const first = await Platform.start(config, plan);
  try {
    for (let from = 0; from < COUNT; from += 500) {
      const rows = vectors
        .slice(from, from + 500)
        .map((place, i) => ({ at: NOW_MS, city: 'x:1', house: from + i, place }));
      await post(first, '/v1/events/points', JSON.stringify(rows));
    }
    await hold(first);
    await until('a search is done again exactly', async () => {
      const text = await (await fetch(`${first.url}/metrics`)).text();
      const of = (name: string): number =>
        Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
      const wanted = of('asof_neighbor_recall_wanted_total');
      assert.ok(of('asof_neighbor_recall_found_total') >= 0.9 * wanted);
      return wanted > 0;
    });
  } finally {
    await first.stop();
  }
  const second = await Platform.start(config, plan);
  try {
    await hold(second);
  } finally {
    await second.stop();
  }
});
