import { present } from '../../src/base/assert.ts';
import { LIMITS } from '../../src/base/limits.ts';
import type { StreamEngine } from '../../src/stream/stream-engine.ts';
import type { OracleEvent } from '../../src/testing/platform-oracle.ts';
import type { Stateful } from './machine.ts';
import type { Problems } from './problems.ts';

/** Buckets and second looks of the eviction: a row may stay so much longer than it is needed. */
const SLACK = 1.2;

/** The commit at which an engine that has rebuilt something was first looked at. */
const rebuiltThrough = new WeakMap<StreamEngine, number>();

/** Rows that an engine had read back when it was last looked at, and since when it was so many. */
const lastReads = new WeakMap<StreamEngine, { reads: number; sinceMs: number }>();

/**
 * Rows of keys that no window can reach any more are given up; the others are one for each key, and
 * one for each further origin.
 */
export function checkBounds(
  { engine, plan: { groups } }: Stateful,
  events: readonly OracleEvent[],
  problems: Problems,
) {
  const { store, metrics } = engine;
  const { commit, newestArrivalMs } = store.applied;
  const reads = metrics.rowsLoaded + metrics.evictionReads;
  const last = lastReads.get(engine);
  const sinceMs = last?.reads === reads ? last.sinceMs : newestArrivalMs;
  lastReads.set(engine, { reads, sinceMs });
  // What is rebuilt counts as touched by then.
  if (!rebuiltThrough.has(engine)) rebuiltThrough.set(engine, metrics.groupsRebuilt && commit);
  const rebuilt = rebuiltThrough.get(engine) ?? 0;
  const touchedBy = arrivalsByCommit(events);
  for (const group of store.groups) {
    // What was read back, be it to be given up, is looked at again a part of the reach later.
    if (reads > 0 && newestArrivalMs - sinceMs < group.reachMs * (SLACK - 1)) continue;
    // Rows of further origins are kept in a group of their own, by the same rules.
    const [id, further] = group.id.split('/');
    const plan = present(
      groups.find((one) => one.id === id),
      group.id,
    );
    const rowsOfKey = further === undefined ? 1 : LIMITS.hotKeyOrigins;
    const held = new Set<string>();
    for (const event of events) {
      const touchedMs = touchedBy.get(event.commit) ?? 0;
      if (event.commit > commit || event.source !== plan.source) continue;
      const isOld = newestArrivalMs - touchedMs > group.reachMs * SLACK;
      if (isOld && event.commit > rebuilt) continue;
      held.add(JSON.stringify(plan.keyColumns.map((name) => String(event.values[name]))));
    }
    if (group.liveRows <= held.size * rowsOfKey) continue;
    const reach = `${group.reachMs} ms after ${newestArrivalMs}`;
    problems.report(`${group.id} holds ${group.liveRows} rows for ${held.size} keys, ${reach}`);
  }
}

/** The newest arrival up to each commit: what its rows are touched at. */
function arrivalsByCommit(events: readonly OracleEvent[]): ReadonlyMap<number, number> {
  const newest = new Map<number, number>();
  let newestMs = 0;
  for (const { commit, arrivalTimeMs } of events) {
    newestMs = Math.max(newestMs, arrivalTimeMs);
    newest.set(commit, newestMs);
  }
  return newest;
}
