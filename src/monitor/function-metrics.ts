import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** What became of the calls of on-demand functions; nothing where there are none. */
export function functionMetrics(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const of = ['service', 'function', 'version'] as const;
  const calls = metrics.counter('asof_function_calls_total', 'Calls of functions made.', of);
  const errors = metrics.counter('asof_function_errors_total', 'Calls without a value.', of);
  const late = metrics.counter('asof_function_timeouts_total', 'Calls that were cut off.', of);
  const isOpen = metrics.gauge('asof_function_left_alone', 'Whether no call is made just now.', of);
  const hits = metrics.counter('asof_function_cache_hits_total', 'Calls answered by what is kept.');
  const shared = metrics.counter(
    'asof_function_shared_total',
    'Calls that waited for an equal one.',
  );
  const kept = metrics.gauge('asof_function_cache_entries', 'Answers of functions that are kept.');
  const ended = metrics.counter(
    'asof_function_processes_ended_total',
    'Processes that were cut off.',
  );
  return ({ functions }) => {
    metrics.reset();
    if (functions === undefined) return;
    for (const one of functions.functions) {
      const labels = { service: one.service, function: one.name, version: String(one.version) };
      calls.inc(labels, one.calls);
      errors.inc(labels, one.errors);
      late.inc(labels, one.timeouts);
      isOpen.set(labels, one.isLeftAlone ? 1 : 0);
    }
    hits.inc({}, functions.cacheHits);
    shared.inc({}, functions.shared);
    kept.set({}, functions.cached);
    ended.inc({}, functions.processesEnded);
  };
}
