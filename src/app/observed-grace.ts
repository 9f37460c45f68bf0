import { durationMs } from '../base/duration.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { observedGraceMs } from '../batch/backfill/grace.ts';
import { readClocks } from '../ingest/clock-snapshot.ts';
import { SourceClocks } from '../ingest/source-clocks.ts';
import type { SourcePlan } from '../plan/plan.ts';
import type { Config } from './config.ts';

/**
 * How long after its end a day of a source stays provisional, in ms: as its table declares, as
 * `grace` in asof.json says, or by how late its events were seen to come.
 */
export function graceOf(config: Config): (source: SourcePlan) => number {
  const { sources } = readClocks(new NodeDisk(config.dataDir));
  return (source) => {
    const declaredMs = source.origin?.graceMs ?? null;
    if (declaredMs !== null) return declaredMs;
    if (config.grace !== 'observed') return durationMs(config.grace);
    const clocks = new SourceClocks(source);
    const bytes = sources.get(source.name);
    if (bytes !== undefined) clocks.adopt(bytes);
    return observedGraceMs(clocks.report().lateness.p999Ms);
  };
}
