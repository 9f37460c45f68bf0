import { Gauge, type Registry } from 'prom-client';
import type { PlatformStatus } from './status.ts';

/** How late events come, how far clocks run ahead, and how far each source has come in time. */
export function clockGauges(registry: Registry): (status: PlatformStatus) => void {
  const registers = [registry];
  const lateness = new Gauge({
    name: 'asof_source_lateness_seconds',
    help: 'Arrival less event time since ever, by quantile; accepted and too late events.',
    labelNames: ['source', 'quantile'] as const,
    registers,
  });
  const ahead = new Gauge({
    name: 'asof_source_clock_ahead_seconds',
    help: 'Event time less arrival since ever, of events that lie ahead, by quantile.',
    labelNames: ['source', 'quantile'] as const,
    registers,
  });
  const share = new Gauge({
    name: 'asof_source_clock_ahead_ratio',
    help: 'Share of events since ever that lie ahead of their arrival.',
    labelNames: ['source'] as const,
    registers,
  });
  const watermark = new Gauge({
    name: 'asof_source_watermark_seconds',
    help: 'Watermark in epoch seconds; idle partitions do not hold it back.',
    labelNames: ['source'] as const,
    registers,
  });
  const partition = new Gauge({
    name: 'asof_partition_watermark_seconds',
    help: 'Watermark of a partition in epoch seconds.',
    labelNames: ['source', 'partition'] as const,
    registers,
  });
  const idle = new Gauge({
    name: 'asof_idle_partitions',
    help: 'Partitions to which nothing came for a while.',
    labelNames: ['source'] as const,
    registers,
  });
  const all = [lateness, ahead, share, watermark, partition, idle];
  return (status) => {
    for (const gauge of all) gauge.reset();
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
