import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** What each connector does, and how far behind it is. */
export function connectorGauges(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const labels = ['connector'] as const;
  const state = metrics.gauge('asof_connector_state', '1 for the state that the connector is in.', [
    'connector',
    'state',
  ]);
  const behind = metrics.gauge(
    'asof_connector_behind',
    'Rows, or bytes of files, that are known to wait; absent where nobody knows.',
    labels,
  );
  const rows = metrics.counter(
    'asof_connector_rows_total',
    'Rows read since the start of the connector, by verdict.',
    ['connector', 'verdict'],
  );
  const retries = metrics.gauge('asof_connector_retries', 'Failed tries in a row.', labels);
  const parts = metrics.gauge(
    'asof_connector_problems',
    'Problems that the status tells of: parts that are left out, a group that takes nothing.',
    labels,
  );
  return ({ connectors }) => {
    metrics.reset();
    for (const one of connectors) {
      const connector = one.name;
      state.set({ connector, state: one.state }, 1);
      if (one.behind !== null) behind.set({ connector }, one.behind);
      rows.inc({ connector, verdict: 'accepted' }, one.accepted);
      rows.inc({ connector, verdict: 'rejected' }, one.rejected);
      retries.set({ connector }, one.retries);
      parts.set({ connector }, one.problems.length + (one.problem === null ? 0 : 1));
    }
  };
}
