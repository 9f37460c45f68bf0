import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stopwatchMs } from '../../src/base/clock.ts';
import { LIMITS } from '../../src/base/limits.ts';
import { FeatureDoor } from '../../src/http/feature-door.ts';
import { LOCAL_VIEWER } from '../../src/registry/access/viewer.ts';
import { Admission } from '../../src/serve/admission/admission.ts';
import { NO_QUOTA } from '../../src/serve/admission/quota.ts';
import type { FeatureRequest, OpenSink } from '../../src/serve/answer-sink.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { jsonSink } from '../../src/serve/json-sink.ts';
import { ServingWorld } from './world.ts';

const WORK_MS = 20;

function work(): void {
  const endMs = stopwatchMs() + WORK_MS;
  while (stopwatchMs() < endMs);
}

const request = (rows: readonly unknown[]): FeatureRequest => ({
  ...{ service: 'airport_now', version: undefined, model: undefined, rows },
});

/** A door to features whose answers take a while: before they are opened, and within. */
function doorOf(wait: Promise<void> | null) {
  const { plan, store, clock } = new ServingWorld();
  const features = new FeatureServer({ plan, store, clock });
  const read = features.read.bind(features);
  const slow = <T>(asked: FeatureRequest, open: OpenSink<T>): T | Promise<T> => {
    const answer = (): T | Promise<T> =>
      read(asked, (head) => {
        const sink = open(head);
        work();
        return sink;
      });
    return wait === null ? answer() : wait.then(answer);
  };
  Object.assign(features, { read: slow });
  const admission = new Admission({}, { nowMs: stopwatchMs, soon: setImmediate, later: () => {} });
  return { admission, door: new FeatureDoor({ features, admission }) };
}

test('an answer is charged once for its work, whether it waits for something or not', async () => {
  for (const wait of [null, Promise.resolve()]) {
    const { admission, door } = doorOf(wait);
    const startMs = stopwatchMs();
    await door.answer(request([{ airport: 'ATL' }]), LOCAL_VIEWER, jsonSink);
    const tookMs = stopwatchMs() - startMs;
    const [{ cpuMs = 0 } = {}] = admission.status();
    assert.ok(cpuMs >= WORK_MS, `${cpuMs} ms are charged`);
    assert.ok(cpuMs <= tookMs, `${cpuMs} ms of ${tookMs} ms are charged`);
  }
});

test('a request that is refused for its many rows leaves no debt of rows', () => {
  const { plan, store, clock } = new ServingWorld();
  const features = new FeatureServer({ plan, store, clock });
  const quotas = { default: { ...NO_QUOTA, rows: 10 } };
  const admission = new Admission(quotas, { nowMs: () => 0, soon: () => {}, later: () => {} });
  const door = new FeatureDoor({ features, admission });
  const many = Array.from({ length: LIMITS.rowsPerRequest + 1 }, () => ({ airport: 'ATL' }));
  const ask = (rows: readonly unknown[]) => door.answer(request(rows), LOCAL_VIEWER, jsonSink);
  assert.throws(() => ask(many), { code: 'too_many_rows' });
  assert.ok(Buffer.isBuffer(ask([{ airport: 'ATL' }])));
});
