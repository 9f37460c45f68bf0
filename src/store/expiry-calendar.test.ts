import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExpiryCalendar } from './expiry-calendar.ts';

function drain(calendar: ExpiryCalendar, nowMs: number): number[] {
  const rows: number[] = [];
  for (let row = calendar.due(nowMs); row >= 0; row = calendar.due(nowMs)) rows.push(row);
  return rows;
}

test('each row comes up once, not before its time, and at last', () => {
  const step = fc.record({ aheadMs: fc.nat(1000), leapMs: fc.oneof(fc.nat(50), fc.nat(5000)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const calendar = new ExpiryCalendar(1000);
      const dueMs = new Map<number, number>();
      let nowMs = 0;
      const take = (): void => {
        for (const row of drain(calendar, nowMs)) {
          const at = dueMs.get(row);
          assert.ok(at !== undefined && at <= nowMs, `row ${row} is due at ${at}, not ${nowMs}`);
          dueMs.delete(row);
        }
      };
      steps.forEach(({ aheadMs, leapMs }, row) => {
        dueMs.set(row, nowMs + aheadMs);
        calendar.add(row, nowMs + aheadMs, nowMs);
        nowMs += leapMs;
        take();
        assert.equal(calendar.size, dueMs.size);
      });
      nowMs += 2000;
      take();
      assert.equal(dueMs.size, 0);
    }),
    { numRuns: 200 },
  );
});

test('draining costs what is due, not what is held', () => {
  const calendar = new ExpiryCalendar(64_000);
  for (let row = 0; row < 1000; row++) calendar.add(row, row * 60, 0);
  assert.equal(drain(calendar, 999).length, 0);
  const first = drain(calendar, 30_000);
  assert.ok(first.length > 450 && first.length <= 500, `${first.length} rows`);
  assert.equal(calendar.size, 1000 - first.length);
});
