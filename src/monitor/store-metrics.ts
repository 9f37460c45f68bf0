import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';
import type { HotReadsStatus } from './store-status.ts';

/** How far the online store is kept up, or read; nothing where there is none. */
export function storeMetrics(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const lagCommits = metrics.gauge('asof_store_lag_commits', 'Commits not published yet.');
  const lagSeconds = metrics.gauge(
    'asof_store_lag_seconds',
    'Age of the oldest change unpublished.',
  );
  const commit = metrics.gauge('asof_store_commit', 'What readers of the store are answered from.');
  const isUp = metrics.gauge('asof_store_up', 'Whether the store is kept up.');
  const publishes = metrics.counter('asof_store_publishes_total', 'Heads published.');
  const rows = metrics.counter('asof_store_rows_total', 'Rows written to the store.');
  const bytes = metrics.counter('asof_store_bytes_total', 'Bytes of rows written to the store.');
  const failures = metrics.counter('asof_store_failures_total', 'Publications that failed.');
  const seconds = metrics.counter('asof_store_publish_seconds_total', 'Time spent publishing.');
  const readCommit = metrics.gauge('asof_replica_commit', 'What this process answers as of.');
  const headAge = metrics.gauge('asof_replica_head_age_seconds', 'Since the store was last read.');
  const isReadable = metrics.gauge('asof_replica_up', 'Whether the store can be read.');
  const kept = metrics.gauge('asof_replica_rows', 'Rows kept decoded in memory.');
  const read = metrics.counter('asof_replica_rows_read_total', 'Rows read from the store.');
  const failed = metrics.counter('asof_replica_rows_failed_total', 'Rows that could not be had.');
  const isLeftAlone = metrics.gauge(
    'asof_replica_breaker_open',
    '1 while the store is left alone.',
  );
  const opened = metrics.counter('asof_replica_breaker_opened_total', 'Times it was left alone.');
  const underWay = metrics.gauge('asof_replica_reads_under_way', 'Reads that have not ended.');
  const refused = metrics.counter(
    'asof_replica_reads_refused_total',
    'Reads that were not made, or not waited for any longer.',
    ['reason'],
  );
  const selected = metrics.gauge('asof_store_selected_keys', 'Keys published as they are read.');
  const cold = metrics.counter('asof_store_cold_reads_total', 'Rows given beside the store.');
  const asked = metrics.counter('asof_replica_cold_rows_total', 'Rows asked from the primary.');
  const lacked = metrics.counter('asof_replica_cold_failed_total', 'Of them, not to be had.');
  const tellHot = hotMetrics(metrics);
  return ({ store, replica }) => {
    metrics.reset();
    tellHot(replica?.hot ?? null);
    if (replica !== null) {
      if (replica.commit !== null) readCommit.set({}, replica.commit);
      if (replica.headAgeMs !== null) headAge.set({}, replica.headAgeMs / 1000);
      isReadable.set({}, replica.reason === null ? 1 : 0);
      kept.set({}, replica.rows);
      read.inc({}, replica.rowsRead);
      failed.inc({}, replica.rowsFailed);
      asked.inc({}, replica.coldRows);
      lacked.inc({}, replica.coldRowsFailed);
      isLeftAlone.set({}, replica.breaker === 'closed' ? 0 : 1);
      opened.inc({}, replica.breakerOpened);
      underWay.set({}, replica.underWay);
      for (const [reason, count] of Object.entries(replica.refused)) refused.inc({ reason }, count);
    }
    if (store === null) return;
    lagCommits.set({}, store.lagCommits);
    lagSeconds.set({}, store.lagMs / 1000);
    if (store.commit !== null) commit.set({}, store.commit);
    isUp.set({}, store.state === 'publishing' || store.state === 'building' ? 1 : 0);
    selected.set({}, store.selectedKeys);
    cold.inc({}, store.coldReads);
    publishes.inc({}, store.publishes);
    rows.inc({}, store.rows);
    bytes.inc({}, store.bytes);
    failures.inc({}, store.failures);
    seconds.inc({}, store.publishMs / 1000);
  };
}

/** Of rows that a reader keeps because they are read often. */
function hotMetrics(metrics: ScrapedMetrics): (hot: HotReadsStatus | null) => void {
  const keys = metrics.gauge('asof_replica_hot_keys', 'Keys found to be read often.');
  const rows = metrics.gauge('asof_replica_hot_rows', 'Rows kept because they are read often.');
  const hits = metrics.counter('asof_replica_hot_hits_total', 'Rows answered without the store.');
  const misses = metrics.counter('asof_replica_hot_misses_total', 'Rows the store was asked for.');
  const refreshes = metrics.counter('asof_replica_hot_refreshes_total', 'Kept rows read again.');
  const conflicts = metrics.counter(
    'asof_replica_hot_conflicts_total',
    'Answers fetched whole, as kept rows were of another head.',
  );
  return (hot) => {
    if (hot === null) return;
    keys.set({}, hot.keys);
    rows.set({}, hot.rows);
    hits.inc({}, hot.hits);
    misses.inc({}, hot.misses);
    refreshes.inc({}, hot.refreshes);
    conflicts.inc({}, hot.conflicts);
  };
}
