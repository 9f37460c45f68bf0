import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { SettledArrivals } from './settled-arrivals.ts';

const SCHEMA: SourceSchema = {
  name: 's',
  columns: [],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 0,
  maxClockSkewMs: 0,
  dedupeHorizonMs: 0,
  partitions: 2,
};

function batchAt(partition: number, ...arrivals: number[]): EventBatch {
  const arrivalTimeMs = Float64Array.from(arrivals);
  const count = arrivals.length;
  const place = { source: 's', partition, firstOffset: 0, commit: 1, count };
  return { ...place, eventTimeMs: arrivalTimeMs, arrivalTimeMs, columns: [] };
}

test('what the partition that is furthest behind has seen is settled', () => {
  const arrivals = new SettledArrivals(SCHEMA);
  assert.equal(arrivals.observe(batchAt(0, 5, 10)), Number.NEGATIVE_INFINITY);
  assert.equal(arrivals.observe(batchAt(1, 7)), 7);
  assert.equal(arrivals.observe(batchAt(1, 20)), 10);
  assert.equal(arrivals.observe(batchAt(9, 1)), 10, 'a partition of old is not waited for');
});

test('arrival times that a source brings itself settle nothing', () => {
  const arrivals = new SettledArrivals({ ...SCHEMA, arrivalTime: 'came', partitions: 1 });
  assert.equal(arrivals.observe(batchAt(0, 5)), Number.NEGATIVE_INFINITY);
});
