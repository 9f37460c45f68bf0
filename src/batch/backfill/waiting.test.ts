import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../base/errors.ts';
import { finalFromMs, observedGraceMs, stateOfDay } from './grace.ts';
import { parseOffPeak, waitForOffPeakMs } from './off-peak.ts';

const HOUR_MS = 3_600_000;

test('an off-peak window may go over midnight, and holds its beginning and not its end', () => {
  const night = parseOffPeak('22:00-06:00');
  const day = parseOffPeak('09:30-17:00');
  const at = (hours: number): number => 1_000 * 24 * HOUR_MS + hours * HOUR_MS;
  const cases = [
    [night, 22, 0],
    [night, 23.99, 0],
    [night, 0, 0],
    [night, 5.99, 0],
    [night, 6, 16],
    [night, 21.5, 0.5],
    [day, 9.5, 0],
    [day, 16.99, 0],
    [day, 17, 16.5],
    [day, 9, 0.5],
  ] as const;
  for (const [window, hours, waits] of cases) {
    const waitMs = waitForOffPeakMs(window, at(hours));
    assert.ok(Math.abs(waitMs - waits * HOUR_MS) < 1, `${hours}: ${waitMs / HOUR_MS}`);
  }
  for (const text of ['', '22-06', '22:00', '24:00-06:00', '06:00-06:00', '22:60-06:00']) {
    assert.throws(
      () => parseOffPeak(text),
      (error) => error instanceof AsofError && error.code === 'usage',
    );
  }
});

test('grace follows how late events come, in whole hours from one day to three', () => {
  const cases = [
    [null, 24],
    [0, 24],
    [23.5 * HOUR_MS, 24],
    [24 * HOUR_MS + 1, 25],
    [70 * HOUR_MS, 70],
    [71.01 * HOUR_MS, 72],
    [500 * HOUR_MS, 72],
  ] as const;
  for (const [latenessMs, hours] of cases) {
    assert.equal(observedGraceMs(latenessMs), hours * HOUR_MS);
  }
});

test('a day is final once its grace has passed, from that millisecond on', () => {
  const dueMs = finalFromMs(10, 24 * HOUR_MS);
  assert.equal(dueMs, 12 * 24 * HOUR_MS);
  assert.equal(stateOfDay(10, 24 * HOUR_MS, dueMs - 1), 'provisional');
  assert.equal(stateOfDay(10, 24 * HOUR_MS, dueMs), 'final');
});
