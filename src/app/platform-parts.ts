import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { seededRandom } from '../base/random.ts';
import { DeadLetters } from '../ingest/dead-letters.ts';
import { EventLog } from '../ingest/log.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { RegistrySnapshot } from '../registry/snapshot.ts';
import { ServeLogWriter } from '../store/serve-log.ts';
import { AccessFollower } from './access/access-follower.ts';
import { Archiver, requireEveryCommit } from './archiver.ts';
import { AuditKeeper } from './audit/audit-keeper.ts';
import type { Config } from './config.ts';
import { Connectors } from './connectors.ts';
import { ReadsKeeper } from './cost/reads-keeper.ts';
import type { DataDirectory } from './data-directory.ts';
import { feastPortOf } from './feast/feast-config.ts';
import { PlatformFunctions } from './functions/platform-functions.ts';
import { Listeners } from './listen/listeners.ts';
import { createLogger } from './logger.ts';
import { TokenKeeper } from './privacy/token-keeper.ts';
import { ShadowKeeper } from './shadow-keeper.ts';
import { PublisherKeeper } from './store/publisher-keeper.ts';
import { AdmissionKeeper } from './tenants/admission-keeper.ts';

export { NOTHING } from '../plan/no-plan.ts';

export const nodeDisk = (folder: string): Disk => new NodeDisk(folder);

/** What is opened once, whatever definitions come and go. */
export interface Parts {
  readonly directory: DataDirectory;
  readonly disk: Disk;
  readonly log: EventLog;
  readonly letters: DeadLetters;
  readonly archiver: Archiver;
  readonly serveLog: ServeLogWriter;
  readonly shadows: ShadowKeeper;
  readonly functions: PlatformFunctions;
  readonly access: AccessFollower;
  readonly admission: AdmissionKeeper;
  readonly reads: ReadsKeeper;
  readonly audit: AuditKeeper;
  readonly connectors: Connectors;
  readonly tokens: TokenKeeper;
  readonly listeners: Listeners;
  readonly publisher: PublisherKeeper;
  readonly logger: Logger;
}

export async function openParts(
  config: Config,
  plan: ProjectPlan,
  openDisk: (folder: string) => Disk,
  directory: DataDirectory,
  known: RegistrySnapshot | null = null,
): Promise<Parts> {
  try {
    const logger = createLogger(config.logLevel);
    const listeners = new Listeners(config.listen, logger, feastPortOf(config));
    const disk = openDisk(config.dataDir);
    const log = await EventLog.open({ disk, schemas: plan.sources, logger });
    const letters = new DeadLetters(disk);
    const serveLog = new ServeLogWriter({
      disk: openDisk(join(config.dataDir, 'served')),
      rate: config.serveLogRate,
      random: seededRandom(systemClock.nowMs() >>> 0),
      logger,
    });
    const archiver = new Archiver(config, log, logger);
    requireEveryCommit(log, archiver.archivedCommit, config.dataDir);
    const connectors = new Connectors(config.connectors, logger);
    const shadows = new ShadowKeeper(disk, logger);
    const audit = new AuditKeeper(config, logger);
    const access = await AccessFollower.open(config, logger, audit.onDenied, known?.access);
    const functions = new PlatformFunctions(logger);
    const opened = { directory, disk, log, letters, archiver, serveLog, shadows, functions };
    const tokens = await TokenKeeper.open(config, plan, known?.tokenKey);
    const admission = new AdmissionKeeper(config, logger);
    functions.charge = (namespace, cpuMs) => admission.admission.charge(namespace, cpuMs);
    const reads = new ReadsKeeper({ disk, clock: systemClock, logger, process: 'server' });
    const counted = { ...opened, admission, reads };
    const publisher = PublisherKeeper.open(config, disk, logger);
    return { ...counted, access, audit, connectors, tokens, listeners, publisher, logger };
  } catch (error) {
    directory.close();
    throw error;
  }
}

/** The end of what is opened once, in order; the door comes before the logs that it writes. */
export function closingSteps(
  { admission, reads, publisher, serveLog, shadows, functions, letters, log, directory }: Parts,
  closeDoor: () => unknown,
): (() => unknown)[] {
  return [
    () => admission.stop(),
    () => reads.close(),
    () => publisher.close(),
    () => serveLog.close(),
    () => shadows.close(),
    () => functions.close(),
    closeDoor,
    () => letters.close(),
    () => log.close(),
    () => directory.close(),
  ];
}
