import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/clock.ts';
import type { AuditNote } from './audit.ts';
import { AuditGatherer } from './audit-gatherer.ts';

const denied = (actor: string, target = 'view a@1') => ({
  ...{ actor, action: 'features.read', namespace: 'default', target },
  ...{ outcome: 'denied' as const, details: { reason: 'no role' } },
});

const countOf = (note: AuditNote): number => Number(note.details.count ?? 1);

test('the first of a minute is told at once, the others when it is over', async () => {
  const clock = new ManualClock(60_000);
  const written: AuditNote[] = [];
  const gatherer = new AuditGatherer(clock, async (notes) => void written.push(...notes));
  gatherer.note(denied('a'));
  await gatherer.flush();
  for (let i = 0; i < 10; i += 1) gatherer.note(denied('a'));
  await gatherer.flush();
  assert.deepEqual(written.map(countOf), [1]);
  clock.advanceTo(119_999);
  gatherer.note(denied('a'));
  clock.advanceTo(120_000);
  gatherer.note(denied('a'));
  await gatherer.flush();
  assert.deepEqual(written.map(countOf), [1, 11, 1]);
  assert.deepEqual(written[1]?.details, { reason: 'no role', count: 11, lastMs: 119_999 });
  gatherer.note(denied('a'));
  gatherer.note(denied('b'));
  await gatherer.flush(true);
  assert.deepEqual(written.map(countOf), [1, 11, 1, 1, 1]);
  await gatherer.flush(true);
  assert.equal(written.length, 5);
});

test('nothing is lost or told twice, whatever fails and whatever is beyond the bound', async () => {
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.record({ note: fc.constantFrom('a', 'b', 'c', 'd', 'e') }) },
    { weight: 2, arbitrary: fc.record({ flush: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ passMs: fc.integer({ min: 1, max: 70_000 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 80 }), async (events) => {
      const clock = new ManualClock(1);
      const written: AuditNote[] = [];
      let fails = false;
      let noted = 0;
      const gatherer = new AuditGatherer(
        clock,
        async (notes) => {
          // Others note while this is being written.
          gatherer.note(denied('a'));
          noted += 1;
          if (fails) throw new Error('away');
          written.push(...notes);
        },
        3,
      );
      for (const one of events) {
        if ('note' in one) {
          gatherer.note(denied(one.note));
          noted += 1;
        } else if ('passMs' in one) clock.advanceTo(clock.nowMs() + one.passMs);
        else {
          fails = one.flush;
          await gatherer.flush().catch(() => {});
        }
      }
      fails = false;
      // Each flush notes once more itself.
      for (let i = 0; i < 2; i += 1) await gatherer.flush(true);
      const told = written.reduce((sum, note) => sum + countOf(note), 0);
      const waiting = noted - told;
      assert.ok(waiting === 0 || waiting === 1, `${noted} noted, ${told} told`);
    }),
    { numRuns: 200 },
  );
});
