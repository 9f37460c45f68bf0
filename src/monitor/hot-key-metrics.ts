import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** How unequally events fall on keys. Keys are never labels: there may be many, and they may name people. */
export function hotKeyGauges(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const labels = ['source', 'key_columns'] as const;
  const share = metrics.gauge(
    'asof_hot_key_share',
    'Of the events seen lately, the share that the hottest key has at least.',
    labels,
  );
  const split = metrics.gauge(
    'asof_hot_keys_split',
    'Keys whose events are spread over several rows.',
    labels,
  );
  const splits = metrics.counter(
    'asof_hot_key_splits_total',
    'Keys that were split since the start.',
    labels,
  );
  const merges = metrics.counter(
    'asof_hot_key_merges_total',
    'Split keys that were merged back since the start.',
    labels,
  );
  return ({ sources }) => {
    metrics.reset();
    for (const { name, hotKeys } of sources) {
      for (const space of hotKeys) {
        const values = { source: name, key_columns: space.keyColumns.join(',') };
        share.set(values, space.hottest[0]?.shareAtLeast ?? 0);
        split.set(values, space.split);
        splits.inc(values, space.splits);
        merges.inc(values, space.merges);
      }
    }
  };
}
