import { Counter, Gauge, type Registry } from 'prom-client';
import type { PlatformStatus } from './status.ts';

/** What each connector does, and how far behind it is. */
export function connectorGauges(registry: Registry): (status: PlatformStatus) => void {
  const registers = [registry];
  const labelNames = ['connector'] as const;
  const state = new Gauge({
    name: 'asof_connector_state',
    help: '1 for the state that the connector is in.',
    labelNames: ['connector', 'state'] as const,
    registers,
  });
  const behind = new Gauge({
    name: 'asof_connector_behind',
    help: 'Rows, or bytes of files, that are known to wait; absent where nobody knows.',
    labelNames,
    registers,
  });
  const rows = new Counter({
    name: 'asof_connector_rows_total',
    help: 'Rows read since the start of the connector, by verdict.',
    labelNames: ['connector', 'verdict'] as const,
    registers,
  });
  const retries = new Gauge({
    name: 'asof_connector_retries',
    help: 'Failed tries in a row.',
    labelNames,
    registers,
  });
  const parts = new Gauge({
    name: 'asof_connector_problems',
    help: 'Problems that the status tells of: parts that are left out, a group that takes nothing.',
    labelNames,
    registers,
  });
  return ({ connectors }) => {
    for (const metric of [state, behind, rows, retries, parts]) metric.reset();
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
