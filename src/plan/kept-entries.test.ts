import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, count, last, max, stddev, sum } from '../define/aggregate.ts';
import { string } from '../define/column.ts';
import { countDistinct, histogram, lastN, median, topK } from '../define/distribution.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, session } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { keptEntries } from './kept-entries.ts';
import { columns, flightOptions, flights, shape } from './sample-project.fixture.ts';

const changing = stream('flights', {
  ...{ ...flightOptions, columns: { ...columns, op: string() } },
  changes: { column: 'op' },
});

test('what can run out of entries is told of, feature by feature, and nothing else is', () => {
  const both = (source: typeof changing) =>
    view('v', {
      ...{ ...shape, source },
      features: (flight) => ({
        n: count().over(lifetime()),
        total: sum(flight.delay).over(lifetime()),
        mean: avg(flight.fare).over(lifetime()),
        spread: stddev(flight.fare).over(lifetime()),
        middle: median(flight.fare).over(lifetime()),
        dearest: max(flight.fare).over(lifetime()),
        latest: last(flight.origin).over(lifetime()),
        latest_two: lastN(flight.origin, 2).over(lifetime()),
        places: countDistinct(flight.origin, { exactUpTo: 64 }).over(lifetime()),
        tops: topK(flight.origin, 3, { maxDistinct: 20 }).over(lifetime()),
        shares: histogram(flight.origin).over(lifetime()),
        n_visit: count().over(session('30m')),
        dearest_visit: max(flight.fare).over(session('30m')),
      }),
    });
  const kept = keptEntries(compileProject([both(changing)]));
  const text = Object.fromEntries(kept.map((one) => [one.feature.replace('v@1.', ''), one.text]));
  assert.deepEqual(Object.keys(text).sort(), [
    ...['dearest', 'dearest_visit', 'latest', 'latest_two', 'n_visit', 'places', 'shares', 'tops'],
  ]);
  assert.match(text.dearest ?? '', /^keeps the greatest 1,000 distinct values, .* an error once/);
  assert.match(text.latest ?? '', /^keeps the newest 1,000 events/);
  assert.match(text.latest_two ?? '', /^keeps the newest 1,002 events/);
  assert.match(
    text.places ?? '',
    /^keeps 64 distinct values, .* fewer than half of these are left$/,
  );
  assert.match(text.tops ?? '', /^keeps 20 distinct values/);
  assert.match(text.n_visit ?? '', /^keeps a key's newest 1,000 event times; an error/);
  assert.match(text.dearest_visit ?? '', /event times; .*; keeps the greatest 1,000/);
  assert.deepEqual(keptEntries(compileProject([both(flights as never)])), []);
});
