import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import type { DatasetEvent } from '../plan/openlineage-form.ts';
import { Outbox } from './openlineage-outbox.ts';

function eventsOf(count: number): DatasetEvent[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ eventTime: '', producer: '', schemaURL: '' },
    dataset: { namespace: 'asof://default', name: `source/s${at}` },
  }));
}

const atOnce = () => Promise.resolve();
/** Pauses that end only when they are given up. */
const never = (_: number, signal?: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('stopped')));
  });

describe('events on their way', () => {
  it('go in order, and are tried again', async () => {
    const sent: string[] = [];
    let tries = 0;
    const outbox = new Outbox(async (event) => {
      tries += 1;
      if (tries === 2) throw new Error('refused');
      sent.push('dataset' in event ? event.dataset.name : '');
    }, onlyRetries());
    outbox.tell(eventsOf(3));
    assert.deepEqual(await outbox.close(), { lost: 0, reason: '' });
    assert.deepEqual(sent, ['source/s0', 'source/s1', 'source/s2']);
    assert.equal(tries, 4);
  });

  it('are lost after some attempts, and counted; telling never fails', async () => {
    let tries = 0;
    const outbox = new Outbox(async () => {
      tries += 1;
      throw new Error('connect ECONNREFUSED');
    }, onlyRetries());
    outbox.tell(eventsOf(2));
    assert.deepEqual(await outbox.close(), { lost: 2, reason: 'connect ECONNREFUSED' });
    assert.equal(tries, 2 * LIMITS.openLineageAttempts);
  });

  it('are not waited for when nobody takes them', async () => {
    const hanging = (_event: unknown, signal: AbortSignal): Promise<void> => never(0, signal);
    const outbox = new Outbox(hanging, (durationMs, signal) =>
      durationMs === LIMITS.openLineageFlushMs ? atOnce() : never(durationMs, signal),
    );
    outbox.tell(eventsOf(5));
    const { lost } = await outbox.close();
    assert.equal(lost, 5);
  });

  it('take no more room than there is', async () => {
    let isOpen = false;
    const outbox = new Outbox(async () => {
      while (!isOpen) await new Promise((resolve) => setImmediate(resolve));
    }, never);
    outbox.tell(eventsOf(LIMITS.openLineageQueue));
    outbox.tell(eventsOf(10));
    isOpen = true;
    assert.deepEqual(await outbox.close(), { lost: 9, reason: 'the queue is full' });
  });
});

/** Waits before another attempt pass at once; the one for the end does not. */
function onlyRetries() {
  return (durationMs: number, signal?: AbortSignal): Promise<void> =>
    durationMs === LIMITS.openLineageFlushMs ? never(durationMs, signal) : atOnce();
}
