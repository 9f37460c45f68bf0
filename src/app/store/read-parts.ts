import { systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { RegistrySnapshot } from '../../registry/snapshot.ts';
import { AccessFollower } from '../access/access-follower.ts';
import { AuditKeeper } from '../audit/audit-keeper.ts';
import type { Config } from '../config.ts';
import { ReadsKeeper } from '../cost/reads-keeper.ts';
import { feastPortOf } from '../feast/feast-config.ts';
import { PlatformFunctions } from '../functions/platform-functions.ts';
import { Listeners } from '../listen/listeners.ts';
import { TokenKeeper } from '../privacy/token-keeper.ts';
import { AdmissionKeeper } from '../tenants/admission-keeper.ts';

/** What a process that only reads opens once. */
export interface ReadParts {
  readonly access: AccessFollower;
  readonly audit: AuditKeeper;
  readonly admission: AdmissionKeeper;
  readonly reads: ReadsKeeper;
  readonly tokens: TokenKeeper;
  readonly functions: PlatformFunctions;
  readonly listeners: Listeners;
}

/**
 * @param part its name among those who count reads
 * @param processes that answer together: each lets in its part of the quotas
 */
export async function openReadParts(
  config: Config,
  plan: ProjectPlan,
  known: RegistrySnapshot,
  logger: Logger,
  part: string,
  processes: number,
): Promise<ReadParts> {
  const listeners = new Listeners(config.listen, logger, feastPortOf(config));
  const audit = new AuditKeeper(config, logger);
  const access = await AccessFollower.open(config, logger, audit.onDenied, known.access);
  const tokens = await TokenKeeper.open(config, plan, known.tokenKey);
  const admission = new AdmissionKeeper(config, logger, processes);
  const reads = new ReadsKeeper({
    disk: new NodeDisk(config.dataDir),
    ...{ clock: systemClock, logger, process: part },
  });
  const functions = new PlatformFunctions(logger);
  functions.use(plan);
  functions.charge = (namespace, cpuMs) => admission.admission.charge(namespace, cpuMs);
  return { access, audit, admission, reads, tokens, functions, listeners };
}
