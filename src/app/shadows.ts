import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { Shadow } from '../registry/shadows.ts';
import type { ShadowReport } from '../serve/shadow-reader.ts';
import type { Config } from './config.ts';
import { liveService } from './live-versions.ts';
import { keptReports } from './shadow-keeper.ts';
import { withRegistry } from './with-registry.ts';

export interface ShadowRequest {
  readonly service: string;
  readonly version: number;
  readonly samplePpm: number;
  readonly author: string;
}

/**
 * Has a version of a service read beside the live one, on a sample of the rows that are asked for,
 * and never answered; a running server takes it over by itself.
 * @throws AsofError `not_applied`, `unknown_service`, `usage` for the version that is live
 */
export function startShadow(config: Config, request: ShadowRequest): Promise<Shadow> {
  const { service, version, samplePpm, author } = request;
  return withRegistry(config, async (registry) => {
    const plan = (await registry.current())?.plan ?? null;
    if (plan === null) {
      throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`);
    }
    requireVersion(plan, service, version);
    const live = await liveService(plan, registry.releases, service);
    if (live?.version === version) {
      throw new AsofError('usage', `${service}@${version} is what answers; it has no shadow.`, {
        remedy: `Publish the version that is to go on answering first: \`asof publish ${service}@…\`.`,
      });
    }
    const startedMs = systemClock.nowMs();
    const shadow = { service, shadow: version, samplePpm, startedMs, author };
    await registry.shadows.start(shadow);
    return shadow;
  });
}

function requireVersion(plan: ProjectPlan, name: string, version: number): void {
  const known = plan.services.filter((one) => one.name === name).map((one) => one.version);
  if (known.includes(version)) return;
  throw new AsofError('unknown_service', `${name}@${version} is not applied.`, {
    remedy:
      known.length === 0
        ? 'Check the spelling, or run `asof apply`.'
        : `Versions that are: ${known.join(', ')}. Run \`asof apply\` for a new one.`,
  });
}

/** @throws AsofError `unknown_name` where nothing was read in the shadow of the service */
export async function stopShadow(config: Config, service: string, author: string): Promise<Shadow> {
  const stopped = await withRegistry(config, ({ shadows }) =>
    shadows.stop(service, systemClock.nowMs(), author),
  );
  if (stopped !== null) return stopped;
  throw new AsofError('unknown_name', `No version of '${service}' is read in its shadow.`, {
    remedy: 'See `asof shadow list`.',
  });
}

export interface ShadowState extends Shadow {
  /** What was said so far; null before a server has read anything. */
  readonly report: ShadowReport | null;
}

/** What is read in the shadow now, and what it said. */
export async function listShadows(config: Config): Promise<ShadowState[]> {
  const current = await withRegistry(config, ({ shadows }) => shadows.current());
  const reports = keptReports(new NodeDisk(config.dataDir));
  return current.map((shadow) => ({
    ...shadow,
    report:
      reports.find((one) => one.service === shadow.service && one.startedMs === shadow.startedMs) ??
      null,
  }));
}

/**
 * The newest report of a service, also of a shadow that has ended.
 * @throws AsofError `unknown_name` where there is none yet
 */
export function shadowReport(config: Config, service: string): ShadowReport {
  const reports = keptReports(new NodeDisk(config.dataDir));
  const found = reports.find((one) => one.service === service);
  if (found !== undefined) return found;
  throw new AsofError('unknown_name', `There is no report on a shadow of '${service}' yet.`, {
    remedy:
      'Begin one with `asof shadow start`, ask a running server for features, and look again.',
  });
}
