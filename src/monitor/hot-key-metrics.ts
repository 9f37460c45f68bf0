import { Counter, Gauge, type Registry } from 'prom-client';
import type { PlatformStatus } from './status.ts';

/** How unequally events fall on keys. Keys are never labels: there may be many, and they may name people. */
export function hotKeyGauges(registry: Registry): (status: PlatformStatus) => void {
  const registers = [registry];
  const labelNames = ['source', 'key_columns'] as const;
  const share = new Gauge({
    name: 'asof_hot_key_share',
    help: 'Of the events seen lately, the share that the hottest key has at least.',
    labelNames,
    registers,
  });
  const split = new Gauge({
    name: 'asof_hot_keys_split',
    help: 'Keys whose events are spread over several rows.',
    labelNames,
    registers,
  });
  const splits = new Counter({
    name: 'asof_hot_key_splits_total',
    help: 'Keys that were split since the start.',
    labelNames,
    registers,
  });
  const merges = new Counter({
    name: 'asof_hot_key_merges_total',
    help: 'Split keys that were merged back since the start.',
    labelNames,
    registers,
  });
  return ({ sources }) => {
    for (const metric of [share, split, splits, merges]) metric.reset();
    for (const { name, hotKeys } of sources) {
      for (const space of hotKeys) {
        const labels = { source: name, key_columns: space.keyColumns.join(',') };
        share.set(labels, space.hottest[0]?.shareAtLeast ?? 0);
        split.set(labels, space.split);
        splits.inc(labels, space.splits);
        merges.inc(labels, space.merges);
      }
    }
  };
}
