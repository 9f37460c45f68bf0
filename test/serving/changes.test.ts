import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '../../src/client/client.ts';
import { count, last, max, sum } from '../../src/define/aggregate.ts';
import { decimal, int64, string, timestamp } from '../../src/define/column.ts';
import { countDistinct, histogram, lastN, median } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session } from '../../src/define/window.ts';
import { listen } from '../../src/http/http-server.ts';
import { createHttpWorld } from './http-world.ts';
import { ServingWorld, START_MS } from './world.ts';

const bookings = stream('bookings', {
  columns: {
    booking: string(),
    guest: string(),
    price: decimal(2),
    op: string(),
    lsn: int64(),
    booked_at: timestamp(),
  },
  eventTime: 'booked_at',
  id: 'booking',
  changes: { column: 'op', sequence: 'lsn', shape: 'envelope', keep: 2 },
});

const guests = view('guests', {
  version: 1,
  source: bookings,
  entity: entity('guest', { keys: { guest: string() } }),
  key: { guest: 'guest' },
  features: (booking) => ({
    n: count().over(lifetime()),
    spent: sum(booking.price).over(lifetime()).default(0),
    dearest: max(booking.price).over(lifetime()),
    newest: last(booking.booking).over(lifetime()),
    prices: histogram(booking.price).over(lifetime()),
    typical: median(booking.price).over(lifetime()),
    kinds: countDistinct(booking.price).over(lifetime()),
    last_two: lastN(booking.booking, 2).over(lifetime()),
    visit: count().over(session('1m')),
  }),
});
const guestNow = service('guest_now', { version: 1, features: [guests.all()] });

test('what is taken back was never there, for every kind of feature', async (t) => {
  const http = await createHttpWorld(t, {}, new ServingWorld([bookings, guestNow]));
  const client = createClient({ url: await listen(http.app, 0) });
  let lsn = 0;
  const row = (booking: string, price: string, seconds: number) => ({
    ...{ booking, guest: 'g', price, booked_at: START_MS - 100_000 + seconds * 1000 },
  });
  const push = async (op: string, before: object | null, after: object | null) => {
    lsn += 1;
    const answer = await client.push(bookings, [{ op, lsn, before, after }]);
    assert.deepEqual(answer.rejections, [], op);
  };
  const values = () => client.get(guestNow, { guest: 'g' });
  await push('c', null, row('a', '10', 0));
  const alone = await values();
  await push('c', null, row('b', '20.5', 90));
  await push('c', null, row('c', '20.5', 95));
  const three = await values();
  assert.deepEqual([three.n, three.spent, three.dearest, three.newest], [3, 51, 20.5, 'c']);
  assert.deepEqual(three.prices, [
    { value: 10, count: 1 },
    { value: 20.5, count: 2 },
  ]);
  assert.deepEqual([three.last_two, three.visit, three.kinds], [['b', 'c'], 2, 2]);
  await push('u', row('c', '20.5', 95), row('c', '30', 95));
  const changed = await values();
  assert.deepEqual([changed.n, changed.spent, changed.dearest], [3, 60.5, 30]);
  assert.deepEqual(changed.last_two, ['b', 'c']);
  await push('d', { booking: 'c' }, null);
  await push('d', { booking: 'b' }, null);
  const [answer] = (await client.fetch(guestNow, [{ guest: 'g' }])).rows;
  assert.ok(answer !== undefined);
  const { dearest, newest, ...rest } = answer.values;
  const { dearest: _dearest, newest: _newest, ...expected } = alone;
  assert.deepEqual(rest, expected, 'what subtracts, and what has kept all of its entries');
  // Two of each are kept, all of them are taken back, and there had been more: no value is known.
  assert.deepEqual([dearest, newest], [null, null]);
  const { statuses } = answer;
  assert.deepEqual(
    [statuses.dearest, statuses.newest, statuses.visit, statuses.last_two],
    ['error', 'error', 'default', 'present'],
  );
});
