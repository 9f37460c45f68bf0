import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PressureValve, readPressure } from './pressure.ts';

const at = (ratio: number) => ({ ratio, stage: 'unsaved' });

describe('readPressure', () => {
  it('is that of the fullest stage', () => {
    const stages = [
      { name: 'log', used: 1, bound: 10 },
      { name: 'unsaved', used: 30, bound: 40 },
      { name: 'waiting', used: 5, bound: 10 },
    ];
    assert.deepEqual(readPressure(stages), { ratio: 0.75, stage: 'unsaved' });
    assert.deepEqual(readPressure([]), { ratio: 0, stage: null });
  });
});

describe('PressureValve', () => {
  it('lets pushes wait the longer the fuller it is', () => {
    const valve = new PressureValve();
    assert.deepEqual(valve.admit(at(0.49)), { kind: 'go' });
    const delays = [0.5, 0.6, 0.75, 0.9, 0.99].map((ratio) => {
      const admission = valve.admit(at(ratio));
      assert.equal(admission.kind, 'wait');
      return admission.kind === 'wait' ? admission.delayMs : -1;
    });
    assert.deepEqual(delays, [0, 40, 250, 640, 961]);
    assert.equal(valve.waited, 5);
  });

  it('refuses when full, and until there is room worth opening for', () => {
    const valve = new PressureValve();
    const refusal = { kind: 'refuse', stage: 'unsaved', retryAfterMs: 1_000 };
    assert.deepEqual(valve.admit(at(1)), refusal);
    assert.deepEqual(valve.admit(at(0.9)), refusal);
    assert.equal(valve.admit(at(0.8)).kind, 'wait');
    assert.equal(valve.admit(at(0.95)).kind, 'wait');
    assert.equal(valve.refused, 2);
  });
});
