import { systemClock } from '../base/clock.ts';
import { AnswerFence } from '../ingest/answer-fence.ts';
import type { BulkSessions } from '../ingest/bulk-sessions.ts';
import { Ingestor } from '../ingest/ingestor.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { StreamEngine } from '../stream/stream-engine.ts';
import type { Config } from './config.ts';
import { readFence } from './forget/fence-file.ts';
import type { Parts } from './platform-parts.ts';

/**
 * The door to an engine, open. Where that fails, the engine is none either: what the log takes
 * would not come to it.
 */
export async function openDoor(
  { clock, dataDir }: Pick<Config, 'clock' | 'dataDir'>,
  { disk, log, letters, logger, tokens, serveLog }: Parts,
  { sources }: ProjectPlan,
  engine: StreamEngine,
  sessions: BulkSessions,
): Promise<Ingestor> {
  try {
    const fences = readFence(dataDir);
    const forgotten = new AnswerFence(fences);
    serveLog.omit((key) => forgotten.has(key));
    return Ingestor.open({
      disk,
      log,
      sources,
      letters,
      tokenizer: tokens.tokenizer,
      fences,
      clock: systemClock,
      arrivalBound: clock === 'wall' ? 'clock' : 'none',
      sessions,
      logger,
    });
  } catch (error) {
    await engine.abandon();
    throw error;
  }
}
