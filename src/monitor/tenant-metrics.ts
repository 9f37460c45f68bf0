import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** Which namespaces read how much, and what they are refused for. */
export function tenantMetrics(
  registry: Registry,
): (status: Pick<PlatformStatus, 'tenants'>) => void {
  const metrics = new ScrapedMetrics(registry);
  const labels = ['namespace'];
  const admitted = metrics.counter(
    'asof_tenant_requests_total',
    'Requests that were let in.',
    labels,
  );
  const rows = metrics.counter('asof_tenant_rows_total', 'Rows of these.', labels);
  const queued = metrics.counter(
    'asof_tenant_queued_total',
    'Requests that were let in and had to wait for their turn.',
    labels,
  );
  const refused = metrics.counter(
    'asof_tenant_refused_total',
    'Requests that were sent away, by reason: requests, rows, cpu, queue or late.',
    ['namespace', 'reason'],
  );
  const cpu = metrics.counter(
    'asof_tenant_cpu_seconds_total',
    'Time of the thread that answers, and of workers, for a namespace.',
    labels,
  );
  const waiting = metrics.gauge(
    'asof_tenant_waiting',
    'Requests that wait for their turn.',
    labels,
  );
  return ({ tenants }) => {
    metrics.reset();
    for (const tenant of tenants) {
      const { namespace } = tenant;
      admitted.inc({ namespace }, tenant.admitted);
      rows.inc({ namespace }, tenant.rows);
      queued.inc({ namespace }, tenant.queued);
      cpu.inc({ namespace }, tenant.cpuMs / 1000);
      waiting.set({ namespace }, tenant.waiting);
      for (const [reason, count] of Object.entries(tenant.refused)) {
        refused.inc({ namespace, reason }, count);
      }
    }
  };
}
