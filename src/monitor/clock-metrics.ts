import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** How late events come, how far clocks run ahead, and how far each source has come in time. */
export function clockGauges(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const lateness = metrics.gauge(
    'asof_source_lateness_seconds',
    'Arrival less event time since ever, by quantile; accepted and too late events.',
    ['source', 'quantile'],
  );
  const ahead = metrics.gauge(
    'asof_source_clock_ahead_seconds',
    'Event time less arrival since ever, of events that lie ahead, by quantile.',
    ['source', 'quantile'],
  );
  const share = metrics.gauge(
    'asof_source_clock_ahead_ratio',
    'Share of events since ever that lie ahead of their arrival.',
    ['source'],
  );
  const watermark = metrics.gauge(
    'asof_source_watermark_seconds',
    'Watermark in epoch seconds; idle partitions do not hold it back.',
    ['source'],
  );
  const partition = metrics.gauge(
    'asof_partition_watermark_seconds',
    'Watermark of a partition in epoch seconds.',
    ['source', 'partition'],
  );
  const idle = metrics.gauge(
    'asof_idle_partitions',
    'Partitions to which nothing came for a while.',
    ['source'],
  );
  return (status) => {
    metrics.reset();
    for (const { name: source, clocks } of status.sources) {
      if (clocks === null) continue;
      const quantiles = [
        [lateness, '0.5', clocks.lateness.p50Ms],
        [lateness, '0.9', clocks.lateness.p90Ms],
        [lateness, '0.99', clocks.lateness.p99Ms],
        [lateness, '0.999', clocks.lateness.p999Ms],
        [lateness, '1', clocks.lateness.events > 0 ? clocks.lateness.maxMs : null],
        [ahead, '0.99', clocks.skew.p99Ms],
        [ahead, '1', clocks.skew.ahead > 0 ? clocks.skew.maxMs : null],
      ] as const;
      for (const [gauge, quantile, spanMs] of quantiles) {
        if (spanMs !== null) gauge.set({ source, quantile }, spanMs / 1000);
      }
      if (clocks.skew.events > 0) share.set({ source }, clocks.skew.ahead / clocks.skew.events);
      if (clocks.watermarkMs !== null) watermark.set({ source }, clocks.watermarkMs / 1000);
      for (const [i, { watermarkMs }] of clocks.partitions.entries()) {
        if (watermarkMs === null) continue;
        partition.set({ source, partition: String(i) }, watermarkMs / 1000);
      }
      idle.set({ source }, clocks.partitions.filter((one) => one.idle).length);
    }
  };
}
