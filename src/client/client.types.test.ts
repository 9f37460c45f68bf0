import assert from 'node:assert/strict';
import { test } from 'node:test';
import { int64, string, timestamp } from '../define/column.ts';
import { stream } from '../define/stream.ts';
import type { Client } from './client.ts';
import type { StreamRow } from './stream-row.ts';

const flights = stream('flights', {
  columns: { flight: string(), delay: int64().optional(), departs: timestamp() },
  eventTime: 'departs',
});

test('a row of a stream has its columns, and only optional ones may be left out', () => {
  type Row = StreamRow<(typeof flights)['columns']>;
  const full: Row = { flight: 'DL1', delay: 2n ** 60n, departs: '2001-01-01T00:00:00Z' };
  const short: Row = { flight: 'DL1', departs: 0 };
  // @ts-expect-error The id is required.
  const missing: Row = { departs: 0 };
  // @ts-expect-error A delay is no text.
  const wrong: Row = { flight: 'DL1', departs: 0, delay: 'late' };
  assert.equal([full, short, missing, wrong].length, 4);
});

const columns = {
  order: string(),
  op: string(),
  lsn: int64(),
  note: string().optional(),
  at: timestamp(),
};
const plain = { columns, eventTime: 'at', id: 'order' } as const;
const changing = stream('changing', { ...plain, changes: { column: 'op', sequence: 'lsn' } });
const enveloped = stream('enveloped', { ...plain, changes: { column: 'op', shape: 'envelope' } });
const final = stream('final', plain);

test('a change stream takes deletes with no more than they need, and envelopes', async () => {
  const sent: unknown[] = [];
  const push = async (_source: unknown, rows: readonly unknown[]) => void sent.push(...rows);
  const client = { push } as unknown as Client;
  const row = { order: 'a', op: 'c', lsn: 1, at: 0 };
  await client.push(final, [row]);
  await client.push(changing, [row, { order: 'a', op: 'd', lsn: 2 }]);
  // @ts-expect-error Events that are final have all of their columns.
  await client.push(final, [{ order: 'a', op: 'd', lsn: 2 }]);
  // @ts-expect-error A delete needs its sequence.
  await client.push(changing, [{ order: 'a', op: 'd' }]);
  await client.push(enveloped, [
    { op: 'c', before: null, after: row },
    { op: 'd', before: { order: 'a' }, after: null, ts_ms: 7, source: {} },
  ]);
  // @ts-expect-error An envelope says what it does.
  await client.push(enveloped, [{ before: null, after: row }]);
  // @ts-expect-error What it holds are columns.
  await client.push(enveloped, [{ op: 'c', after: { ...row, at: true } }]);
  assert.equal(sent.length, 9);
});
