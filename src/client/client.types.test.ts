import assert from 'node:assert/strict';
import { test } from 'node:test';
import { int64, string, timestamp } from '../define/column.ts';
import { stream } from '../define/stream.ts';
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
