import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../base/limits.ts';
import type { ServedAnswer } from '../../store/serve-log.ts';
import { HandedSamples } from './handed-samples.ts';
import type { FromWorker } from './worker-messages.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('samples wait, a bounded number of them, for a primary that is slow to read', async () => {
  const told: number[] = [];
  const done: (() => void)[] = [];
  const samples = new HandedSamples(1, (message: FromWorker, isDone) => {
    assert.equal(message.kind, 'served');
    told.push(message.kind === 'served' ? message.answers.length : 0);
    done.push(isDone);
  });
  const answer: ServedAnswer = {
    ...{ service: 's', version: 1, asOfMs: 0, commit: 1 },
    ...{ keys: [], values: [], statuses: [] },
  } as unknown as ServedAnswer;
  samples.offer(answer);
  samples.offer(answer);
  await nextTurn();
  for (let i = 0; i < LIMITS.serveLogQueue + 50; i++) samples.offer(answer);
  await nextTurn();
  await nextTurn();
  assert.deepEqual(told, [2]);
  done.shift()?.();
  assert.deepEqual(told, [2, LIMITS.serveLogQueue]);
  done.shift()?.();
  samples.offer(answer);
  await nextTurn();
  assert.deepEqual(told, [2, LIMITS.serveLogQueue, 1]);
});
