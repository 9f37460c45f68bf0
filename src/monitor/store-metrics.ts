import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

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
  return ({ store, replica }) => {
    metrics.reset();
    if (replica !== null) {
      if (replica.commit !== null) readCommit.set({}, replica.commit);
      if (replica.headAgeMs !== null) headAge.set({}, replica.headAgeMs / 1000);
      isReadable.set({}, replica.reason === null ? 1 : 0);
      kept.set({}, replica.rows);
      read.inc({}, replica.rowsRead);
      failed.inc({}, replica.rowsFailed);
    }
    if (store === null) return;
    lagCommits.set({}, store.lagCommits);
    lagSeconds.set({}, store.lagMs / 1000);
    if (store.commit !== null) commit.set({}, store.commit);
    isUp.set({}, store.state === 'publishing' || store.state === 'building' ? 1 : 0);
    publishes.inc({}, store.publishes);
    rows.inc({}, store.rows);
    bytes.inc({}, store.bytes);
    failures.inc({}, store.failures);
    seconds.inc({}, store.publishMs / 1000);
  };
}
