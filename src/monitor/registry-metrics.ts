import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** Whether the registry of definitions can be reached, since when, and what is known of it. */
export function registryMetrics(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const connected = metrics.gauge(
    'asof_registry_connected',
    '1 while the registry answers; 0 while it is away and serving goes on without it.',
  );
  const since = metrics.gauge(
    'asof_registry_state_since_seconds',
    'When the registry was reached, or was not any more, in Unix time.',
  );
  const generation = metrics.gauge(
    'asof_registry_generation',
    'The newest generation of definitions that is known.',
  );
  return ({ registry: known }) => {
    metrics.reset();
    if (known === null) return;
    connected.set({}, known.state === 'connected' ? 1 : 0);
    since.set({}, known.sinceMs / 1000);
    generation.set({}, known.generation);
  };
}
