import type { Random } from '../../src/base/random.ts';
import type { IngestorOptions } from '../../src/ingest/ingestor-options.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { ServingClockMode } from '../../src/serve/serving-clock.ts';
import type { CheckpointThresholds } from '../../src/stream/checkpoint-policy.ts';

/** Small, so that a few hundred events meet every bound. */
export interface ServerSettings {
  readonly clockMode: ServingClockMode;
  readonly segmentBytes: number;
  readonly pendingBytes: number;
  readonly letterBytes: number;
  readonly stateBytes: number;
  readonly thresholds: CheckpointThresholds;
  readonly sliceBytes: number;
  readonly doorLimits: NonNullable<IngestorOptions['limits']>;
  readonly pollMs: number;
  readonly archiveMs: number;
}

const HOUR_MS = 3_600_000;

/** Bounds of the server, small enough to be met. */
export function settingsOf(random: Random, { sources }: ProjectPlan): ServerSettings {
  const declares = sources.every(({ arrivalTime }) => arrivalTime !== null);
  const stamps = sources.every(({ arrivalTime }) => arrivalTime === null);
  const eventsPerCommit = random.pick([65_536, 65_536, 8, 3]);
  // Where arrivals come in order, an id that is let go of can never be repeated in time.
  const idsKept = stamps && random.below(2) === 0 ? { idsKept: random.below(8) } : {};
  return {
    clockMode: declares && random.below(2) === 0 ? 'arrival' : 'wall',
    segmentBytes: random.pick([600, 3_000, 1_000_000]),
    pendingBytes: random.pick([500, 1_000_000]),
    stateBytes: random.pick([2_048, 65_536]),
    letterBytes: random.pick([500, 1_000_000]),
    thresholds: {
      events: random.pick([1, 10, 60, 1e9]),
      rows: random.pick([2, 1e9]),
      afterMs: random.pick([1_000, HOUR_MS, 1e15]),
    },
    sliceBytes: 1 + random.below(2) * random.below(400),
    doorLimits: { eventsPerCommit, ...idsKept },
    pollMs: random.pick([10_000, HOUR_MS]),
    archiveMs: random.pick([60_000, HOUR_MS, 100 * HOUR_MS]),
  };
}
