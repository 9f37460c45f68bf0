import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { pause } from '../base/pause.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import { archiveInThread } from '../ingest/archive-thread.ts';
import { encodeBulk } from '../ingest/bulk-body.ts';
import type { BulkDoor, BulkReceiver } from '../ingest/bulk-door.ts';
import { segmentLog } from '../ingest/history-log.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { authorizationOf } from './access/identity.ts';
import { BulkClient } from './bulk-client.ts';
import type { Config } from './config.ts';
import { addressIn, DataDirectory } from './data-directory.ts';
import { Platform } from './platform.ts';
import { nodeDisk } from './platform-parts.ts';
import { appliedPlan } from './project.ts';

/** A server that was just started may need so many looks until it says where it answers. */
const LOOKS = 20;
const LOOK_MS = 500;

/**
 * Works with the bulk door of a data directory, by the definitions that are applied in it: that of
 * the server which holds the directory, else in this process, which holds it meanwhile.
 * @throws AsofError `not_applied`, `directory_in_use` where its holder is no server
 */
export async function withBulkDoor<T>(
  config: Config,
  work: (door: BulkDoor, plan: ProjectPlan) => Promise<T>,
): Promise<T> {
  const { plan } = await appliedPlan(config);
  const found = await directoryOrUrl(config.dataDir);
  if (typeof found === 'string')
    return work(doorOf(new BulkClient(found, pause, authorizationOf(config)), plan), plan);
  // What servers read by themselves is not read here.
  const own = { ...config, connectors: [] };
  const platform = await Platform.start(own, plan, nodeDisk, found, false);
  try {
    return await work(doorOf(platform.bulk, plan), plan);
  } finally {
    await platform.stop();
    await archiveMuch(config.dataDir);
  }
}

/**
 * Archives what is only in the log, where that is much: the timer that would do it has ended, and
 * readers would have to go through all of it. What fails here is done by the next server.
 */
async function archiveMuch(dataDir: string): Promise<void> {
  const throughCommit = segmentLog(new NodeDisk(dataDir)).lastCommit();
  const archived = new ArchiveFiles(dataDir).archivedCommit();
  if (throughCommit - archived < LIMITS.commitsUnarchived) return;
  const options = { dataDir, throughCommit, compact: false, onArchived: () => {} };
  await archiveInThread(options).catch((error: unknown) => {
    if (!(error instanceof AsofError)) throw error;
  });
}

/** A data directory, held from now on, or where the server answers that holds it. */
export async function directoryOrUrl(dataDir: string): Promise<DataDirectory | string> {
  for (let look = 1; ; look++) {
    try {
      return DataDirectory.open(dataDir);
    } catch (error) {
      if (!(error instanceof AsofError) || error.code !== 'directory_in_use') throw error;
      const url = addressIn(dataDir);
      if (url !== null) return url;
      if (look >= LOOKS) throw error;
    }
    await pause(LOOK_MS);
  }
}

function doorOf(receiver: BulkReceiver, { sources }: ProjectPlan): BulkDoor {
  return {
    taken: (source, run) => receiver.taken(source, run),
    start: (source, run) => receiver.start(source, run),
    finish: (source, run) => receiver.finish(source, run),
    take: ({ rows, ...chunk }) => {
      const schema = present(
        sources.find(({ name }) => name === chunk.source),
        `the source ${chunk.source}`,
      );
      return receiver.take({ ...chunk, body: encodeBulk(rows, schema) });
    },
  };
}
