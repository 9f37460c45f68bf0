import { AsofError } from '../../base/errors.ts';
import { pause } from '../../base/pause.ts';
import type { ForgottenRun } from '../../registry/forgotten.ts';
import { authorizationOf, viewerOf } from '../access/identity.ts';
import { directoryOrUrl } from '../bulk-access.ts';
import type { Config } from '../config.ts';
import { Platform } from '../platform.ts';
import { nodeDisk } from '../platform-parts.ts';
import { appliedPlan } from '../project.ts';
import { withRegistry } from '../with-registry.ts';
import { ForgetClient } from './client.ts';
import { type ForgetJob, JobFile } from './job.ts';
import { type ForgetRecord, isIntact, recordOf, unknownRecord } from './record.ts';
import { type ForgetRequest, jobOf } from './request.ts';
import { withRules } from './run.ts';
import { type ScanReport, scanFiles } from './scan.ts';
import { keyHash } from './stored-keys.ts';
import { openWorld, type Watching } from './world.ts';

/** Everything that was ever applied. */
export async function plansOf(config: Config) {
  return withRegistry(config, (registry) => registry.plansSince(Number.NEGATIVE_INFINITY));
}

/** Reads a request, and changes nothing. @throws AsofError `usage`, `unknown_name` */
export async function readRequest(config: Config, request: ForgetRequest): Promise<ForgetJob> {
  return jobOf(request, await plansOf(config), viewerOf(config));
}

/**
 * Removes whom a request names: by the server which holds the data directory, else in this process,
 * which holds it meanwhile.
 * @throws AsofError `usage`, `unknown_name`, `not_applied`, `directory_in_use`
 */
export async function forgetProject(
  config: Config,
  request: ForgetRequest,
  watching: Watching = {},
): Promise<ForgetRecord> {
  const job = await readRequest(config, request);
  const { plan } = await appliedPlan(config);
  const found = await directoryOrUrl(config.dataDir);
  if (typeof found === 'string') {
    return new ForgetClient(found, authorizationOf(config), pause).run(request, watching);
  }
  const own = { ...config, connectors: [] };
  const platform = await Platform.start(own, plan, nodeDisk, found, false);
  try {
    return await platform.forgetting.run(job, watching);
  } finally {
    await platform.stop();
  }
}

/** Brings what was begun to its end; a server that starts does so by itself. */
export async function resumeForgetting(config: Config): Promise<void> {
  const { plan } = await appliedPlan(config);
  const found = await directoryOrUrl(config.dataDir);
  if (typeof found === 'string') {
    const remedy = 'Look at its log; it goes on by itself, and at its next start.';
    throw new AsofError('directory_in_use', `The server at ${found} holds it.`, { remedy });
  }
  const own = { ...config, connectors: [] };
  // What was begun is brought to its end before a platform stands.
  const platform = await Platform.start(own, plan, nodeDisk, found, false);
  await platform.stop();
}

/** Runs of a data directory, the oldest first, those among them that are not at their end. */
export async function listForgotten(config: Config): Promise<ForgottenRun[]> {
  const known = await withRegistry(config, ({ forgotten }) => forgotten.list());
  const open = JobFile.pending(config.dataDir)
    .filter(({ job }) => !known.some(({ id }) => id === job.id))
    .map(({ job: { id, startedMs, author } }): ForgottenRun => {
      return { id, startedMs, author, state: 'begun', finishedMs: null, record: null };
    });
  return [...known, ...open];
}

export interface ForgetVerification {
  readonly record: ForgetRecord;
  /** Whether the record is as it was written, here and in the registry. */
  readonly intact: boolean;
  readonly scan: ScanReport;
}

/**
 * Looks through every file again. Whom, is not in the record: whoever asks says so, and is told if
 * it was somebody else.
 * @throws AsofError `unknown_name`, `usage` where the record is of others
 */
export async function verifyForgotten(
  config: Config,
  id: string,
  subjects: readonly unknown[],
  watching: Watching = {},
): Promise<ForgetVerification> {
  const record = recordOf(config.dataDir, id);
  const touched = [...record.subjects, ...record.places].map(({ entity }) => entity);
  // A run of another team is as one that never was.
  viewerOf(config).require('privacy.forget', touched, () => unknownRecord(id));
  const stored = (await listForgotten(config)).find((run) => run.id === id)?.record ?? null;
  const asked = { subjects, columns: [], requestId: record.requestId, reason: null, graceMs: 0 };
  const { block, shared } = record;
  const job = await readRequest(config, { ...asked, block, shared });
  const hashes = new Set(record.subjects.map(({ keyHash: hash }) => hash));
  for (const { entity, values } of job.subjects) {
    if (hashes.has(keyHash(record.salt, [record.requestId ?? '', entity, ...values]))) continue;
    throw new AsofError('usage', `${id} is of somebody else.`, {
      remedy: 'Name whom it removed with --entity, as it was named then.',
    });
  }
  const declared = record.places.filter(({ columns }) => columns.length === 1);
  const world = await openWorld(config, { ...job, declared });
  const scan = await withRules(world, (session) =>
    scanFiles({
      ...{ dataDir: config.dataDir, session, subjects: job.subjects, gone: world.gone },
      sinceMs: block ? null : record.startedMs,
      onFile: (done, of) => watching.onProgress?.('scan', done, of),
    }),
  );
  const isSame = stored === null || JSON.parse(stored).digest === record.digest;
  return { record, intact: isIntact(record) && isSame, scan };
}
