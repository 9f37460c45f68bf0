import type { Disk } from '../../src/base/disk.ts';
import { AsofError } from '../../src/base/errors.ts';
import type { DeadLetters } from '../../src/ingest/dead-letters.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import type { EventLog } from '../../src/ingest/log.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState } from '../../src/store/state-store.ts';
import { checkpointPolicy } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import type { Life } from '../../src/testing/simulated-time.ts';
import type { Machine } from './machine.ts';

/** What is opened once in a process, whatever definitions come and go. */
export interface Opened {
  readonly machine: Machine;
  readonly life: Life;
  readonly disk: Disk;
  readonly log: EventLog;
  readonly letters: DeadLetters;
}

/** What is exchanged with the definitions. */
export interface Serving {
  readonly plan: ProjectPlan;
  readonly engine: StreamEngine;
  readonly door: Ingestor;
}

/** The state brought up to the log's end, and a door in front of it. */
export async function openServing(
  { machine, life, disk, log, letters }: Opened,
  plan: ProjectPlan,
  onCommitted: (engine: StreamEngine, batch: EventBatch) => void,
): Promise<Serving> {
  const { clock, archive, logger, settings, strain, time } = machine;
  const turn = (): Promise<void> => time.wait(0, life);
  const { memoryBytes, unsavedEvents, splitting } = strain;
  const engine = await StreamEngine.open({
    plan,
    state: diskState({ disk, folder: 'state', segmentBytes: settings.stateBytes }),
    log,
    history: archive.of(plan.sources),
    clock,
    logger,
    policy: checkpointPolicy(settings.thresholds),
    sliceBytes: settings.sliceBytes,
    turn,
    ...(memoryBytes === null ? {} : { stateMemoryBytes: memoryBytes }),
    ...(unsavedEvents === null ? {} : { unsavedEvents }),
    ...(splitting === null ? {} : { splitting }),
  });
  const door = Ingestor.open({
    disk,
    log,
    sources: plan.sources,
    letters,
    clock,
    arrivalBound: settings.clockMode === 'wall' ? 'clock' : 'none',
    logger,
    limits: settings.doorLimits,
    turn,
  });
  door.onCommitted = (batch) => onCommitted(engine, batch);
  return { plan, engine, door };
}

/** What a server that is not ready answers. */
export function notReady(): AsofError {
  return new AsofError('not_ready', 'The server is not ready.');
}
