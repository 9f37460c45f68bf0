import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** Which version answers whom: what was asked of each, and the share of keys that is its own. */
export function releaseMetrics(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const labels = ['service', 'version'] as const;
  const requests = metrics.counter('asof_feature_requests_total', 'Requests answered.', labels);
  const share = metrics.gauge(
    'asof_release_share',
    'Of the keys in requests that name no version, the share that this version answers.',
    labels,
  );
  return ({ services }) => {
    metrics.reset();
    for (const service of services) {
      const values = { service: service.name, version: String(service.version) };
      requests.inc(values, service.requests);
      share.set(values, service.share);
    }
  };
}
