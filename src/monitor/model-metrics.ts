import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** What models were answered, and how often it did not fit what they registered. */
export function modelMetrics(registry: Registry): (status: PlatformStatus) => void {
  const metrics = new ScrapedMetrics(registry);
  const labels = ['model', 'service'] as const;
  const requests = metrics.counter('asof_model_requests_total', 'Requests of a model.', labels);
  const violations = metrics.counter(
    'asof_contract_violations_total',
    'Requests whose answer did not fit what the model registered.',
    [...labels, 'outcome'],
  );
  return ({ models }) => {
    metrics.reset();
    for (const { model, service, ...totals } of models) {
      requests.inc({ model, service }, totals.requests);
      violations.inc({ model, service, outcome: 'refused' }, totals.refused);
      violations.inc({ model, service, outcome: 'flagged' }, totals.flagged);
    }
  };
}
