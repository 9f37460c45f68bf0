import { rmSync } from 'node:fs';
import type { Random } from '../../src/base/random.ts';
import { compactArchive } from '../../src/ingest/archive-compact.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import { sentRow } from './generate-on-demand.ts';
import { keyOf } from './keys.ts';
import { archiveThrough, openHistory } from './offline.ts';
import type { Platform } from './platform.ts';
import type { Tally } from './tally.ts';
import { edgeAfter, randomEvent } from './times.ts';

/**
 * The history goes to files up to a random commit and the log is cut behind it; the state is
 * deleted, or keeps an old checkpoint. The engine that rebuilds itself answers as if nothing
 * had happened.
 */
export async function runBackfill(
  tally: Tally,
  random: Random,
  oracle: PlatformOracle,
  platform: Platform,
  dataDir: string,
): Promise<void> {
  await platform.closeEngine(random.below(4) === 0 ? 'close' : 'kill');
  const { log } = platform;
  const cut = random.below(2) === 0 ? log.lastCommit : random.below(log.lastCommit + 1);
  const stageRows = random.pick([10, 1_000_000]);
  // An archive that grows by another run, as it does every day.
  if (random.below(3) === 0) {
    await archiveThrough(platform.disk, dataDir, random.below(cut + 1), stageRows);
  }
  await archiveThrough(platform.disk, dataDir, cut, stageRows);
  if (random.below(6) === 0) {
    const { clock } = platform.options;
    const { replaced } = await compactArchive({ dataDir, clock, retiredMs: 0 });
    if (replaced > 0) tally.cover('a compacted archive');
  }
  platform.ingestor.checkpoint();
  log.cutThrough(cut);
  if (log.firstCommit > 1) tally.cover('a log cut behind the archive');
  if (random.below(2) === 0) {
    rmSync(platform.options.stateFolder, { recursive: true, force: true });
  } else tally.cover('a checkpoint from before the archiving');
  await platform.openEngine(await openHistory(platform, dataDir));
  const loaded = platform.engine.metrics.lastCheckpointCommit;
  if (loaded > 0 && log.firstCommit > loaded + 1) tally.cover('a checkpoint older than the log');
  const { clock } = platform.options;
  const service = serviceOf(oracle.plan);
  tally.compare(
    'backfill',
    platform.engine.store.applied.commit,
    platform.batches.length,
    () => 'the applied commit',
  );
  for (let i = 0; i < 4; i += 1) {
    const keys = Array.from({ length: 4 }, () =>
      keyOf(random, oracle.plan, service, randomEvent(random, oracle)),
    );
    const sent = keys.map((key) => sentRow(service, key));
    checkAnswer(tally, 'backfill', oracle, platform.server.get(SERVICE, sent), keys);
    clock.advanceTo(edgeAfter(random, oracle, clock.nowMs(), Number.POSITIVE_INFINITY));
  }
}
