import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { Registry } from '../registry/registry.ts';
import type { Shadow } from '../registry/shadows.ts';
import { namespaceOf } from '../schema/types.ts';
import type { ShadowReport } from '../serve/shadow-reader.ts';
import { requireLabels, restrictedIn, viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { liveService } from './live-versions.ts';
import { appliedPlan } from './project.ts';
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
  return changeShadows(config, 'start', author, async (registry) => {
    const plan = (await registry.current())?.plan ?? null;
    if (plan === null) {
      throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`);
    }
    requireVersion(plan, service, version);
    const live = await liveService(plan, registry, service);
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
export function stopShadow(config: Config, service: string, author: string): Promise<Shadow> {
  return changeShadows(config, 'stop', author, async ({ shadows }) => {
    const stopped = await shadows.stop(service, systemClock.nowMs(), author);
    if (stopped !== null) return stopped;
    throw new AsofError('unknown_name', `No version of '${service}' is read in its shadow.`, {
      remedy: 'See `asof shadow list`.',
    });
  });
}

/** The change and the audit's line of it, together or not at all. */
function changeShadows(
  config: Config,
  what: 'start' | 'stop',
  author: string,
  work: (registry: Registry) => Promise<Shadow>,
): Promise<Shadow> {
  return withRegistry(config, (registry) =>
    registry.transaction(async (within) => {
      const changed = await work(within);
      const { service, shadow, samplePpm } = changed;
      await within.audit.append({
        ...{ actor: author, action: `release.shadow_${what}`, namespace: namespaceOf(service) },
        ...{ target: `service ${service}@${shadow}`, outcome: 'done', details: { samplePpm } },
      });
      return changed;
    }),
  );
}

export interface ShadowState extends Shadow {
  /** What was said so far; null before a server has read anything. */
  readonly report: ShadowReport | null;
}

/** Reports name keys and values: they are of those who have the labels of all that is compared. */
async function restrictedServices(config: Config): Promise<(service: string) => boolean> {
  const { principal } = viewerOf(config);
  if (principal.kind === 'local') return () => false;
  const restricted = restrictedIn(config, (await appliedPlan(config)).plan);
  return (service) =>
    restricted.ofServiceNamed(service).some(({ label }) => !principal.labels.includes(label));
}

/** What is read in the shadow now, and what it said. */
export async function listShadows(config: Config): Promise<ShadowState[]> {
  const viewer = viewerOf(config);
  const all = await withRegistry(config, ({ shadows }) => shadows.current());
  const current = all.filter(({ service }) => viewer.mayRead(service));
  const withheld = await restrictedServices(config);
  const reports = keptReports(new NodeDisk(config.dataDir));
  return current.map((shadow) => ({
    ...shadow,
    report:
      reports.find(
        ({ service, startedMs }) =>
          service === shadow.service && startedMs === shadow.startedMs && !withheld(service),
      ) ?? null,
  }));
}

/**
 * The newest report of a service, also of a shadow that has ended.
 * @throws AsofError `unknown_name` where there is none yet
 */
export async function shadowReport(config: Config, service: string): Promise<ShadowReport> {
  const { plan } = await appliedPlan(config);
  requireLabels(config, restrictedIn(config, plan).ofServiceNamed(service));
  const reports = keptReports(new NodeDisk(config.dataDir));
  const found = reports.find((one) => one.service === service);
  if (found !== undefined) return found;
  throw new AsofError('unknown_name', `There is no report on a shadow of '${service}' yet.`, {
    remedy:
      'Begin one with `asof shadow start`, ask a running server for features, and look again.',
  });
}
