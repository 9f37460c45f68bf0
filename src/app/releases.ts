import { systemClock } from '../base/clock.ts';
import { AsofError, type Issue, issue } from '../base/errors.ts';
import { computedOutputs } from '../plan/function-outputs.ts';
import type { ProjectPlan, ServicePlan } from '../plan/plan.ts';
import type { Registry } from '../registry/registry.ts';
import type { Release } from '../registry/releases.ts';
import { servingStates } from '../registry/serving-states.ts';
import { namespaceOf, typeText } from '../schema/types.ts';
import { viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { liveService, viewOf } from './live-versions.ts';
import { withRegistry } from './with-registry.ts';

export interface PublishRequest {
  readonly service: string;
  readonly version: number;
  /** Of the keys, in millionths; null: all of them. */
  readonly canaryPpm: number | null;
  /** Why it is published whatever the gates say, or null. */
  readonly force: string | null;
  readonly author: string;
}

export interface Published {
  readonly release: Release;
  /** What spoke against it and was passed over. */
  readonly forced: readonly Issue[];
  /** Validations that passed with warnings. */
  readonly warnings: readonly string[];
}

interface Judged {
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  /** Reports by view. */
  readonly reports: Readonly<Record<string, number>>;
}

/**
 * Makes a version of a service the one that answers requests which name none, or the canary for a
 * share of the keys. A running server takes it over by itself.
 * @throws AsofError `not_applied`, `unknown_service`, `not_active`, `not_built`, `not_compatible`, `not_validated`
 */
export function publishService(config: Config, request: PublishRequest): Promise<Published> {
  return changeReleases(config, async (registry) => {
    const { service, version, canaryPpm, force, author } = request;
    const plan = await appliedIn(registry, config);
    const next = requireService(plan, service, version);
    await requireServed(registry, plan, next);
    const live = (await liveService(plan, registry, service)) ?? next;
    if (canaryPpm !== null && live.version === version) {
      throw new AsofError('usage', `${service}@${version} is live already, for all keys.`);
    }
    const { issues, warnings, reports } = await judge(registry, plan, next, live);
    const [first] = issues;
    if (first !== undefined && force === null) {
      const title = `${service}@${version} is not published: ${first.message}`;
      throw new AsofError(first.code, title, { issues });
    }
    const release = await registry.releases.publish({
      service,
      version,
      canaryPpm,
      liveBefore: live.version,
      atMs: systemClock.nowMs(),
      author,
      reason: issues.length === 0 ? null : force,
      evidence: { reports, passedOver: issues.map((one) => one.message) },
    });
    return { release, forced: issues, warnings };
  });
}

/** What is judged is what is changed, and in the audit; all of it at once, or nothing. */
function changeReleases<T extends { readonly release: Release }>(
  config: Config,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  return withRegistry(config, (registry) =>
    registry.transaction(async (within) => {
      const result = await work(within);
      const { service, action, author, atMs, ...details } = result.release;
      await within.audit.append({
        ...{ atMs, actor: author, action: `release.${action}`, namespace: namespaceOf(service) },
        ...{ target: `service ${service}@${details.canary ?? details.live}`, outcome: 'done' },
        details,
      });
      return result;
    }),
  );
}

/**
 * What waits for approval, or is retired, is published by no force.
 * @throws AsofError `not_active`
 */
async function requireServed(
  registry: Registry,
  plan: ProjectPlan,
  { name, version }: ServicePlan,
): Promise<void> {
  const states = servingStates(plan, await registry.lifecycle.states());
  const found = states.find((one) => one.service === name && one.version === version);
  const refusal = found?.refusal ?? null;
  if (refusal === null) return;
  throw new AsofError('not_active', refusal.message, { remedy: refusal.remedy });
}

async function appliedIn(registry: Registry, config: Config): Promise<ProjectPlan> {
  const applied = await registry.current();
  if (applied !== null) return applied.plan;
  throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`);
}

function requireService(plan: ProjectPlan, name: string, version: number): ServicePlan {
  const found = plan.services.find((one) => one.name === name && one.version === version);
  if (found !== undefined) return found;
  const known = plan.services.filter((one) => one.name === name).map((one) => one.version);
  throw new AsofError('unknown_service', `${name}@${version} is not applied.`, {
    remedy:
      known.length === 0
        ? 'Check the spelling, or run `asof apply`.'
        : `Versions that are: ${known.join(', ')}. Run \`asof apply\` for a new one.`,
  });
}

/** All that speaks against answering callers by `next` instead of `live`. */
async function judge(
  registry: Registry,
  plan: ProjectPlan,
  next: ServicePlan,
  live: ServicePlan,
): Promise<Judged> {
  const issues: Issue[] = [...(await notBuilt(registry, next)), ...incompatible(next, live)];
  const warnings: string[] = [];
  const reports: Record<string, number> = {};
  for (const [name, version] of newestViews(next)) {
    const view = viewOf(plan, name, version);
    const liveVersion = newestViews(live).get(name);
    const before = liveVersion === undefined ? null : viewOf(plan, name, liveVersion);
    if (view === null || view.hash === before?.hash) continue;
    const title = `${name}@${version}`;
    const report = await registry.validations.newest(view.hash, before?.hash ?? null);
    if (report !== null) reports[title] = report.id;
    if (report?.result === 'warn') warnings.push(`${title}: report ${report.id} has warnings`);
    if (report !== null && report.result !== 'fail') continue;
    const against = before === null ? '' : ` --against ${before.version}`;
    const what = report === null ? 'has no validation' : `failed its validation (${report.id})`;
    const compared = before === null ? '' : ` against ${name}@${before.version}`;
    issues.push(
      issue(
        'not_validated',
        `views.${title}`,
        `${title} ${what}${compared}.`,
        `Run \`asof validate ${title}${against}\`, or give --force and a reason.`,
      ),
    );
  }
  return { issues, warnings, reports };
}

/** The views of a service by name; where it reads several versions of one, the newest. */
function newestViews({ features }: ServicePlan): Map<string, number> {
  const views = new Map<string, number>();
  for (const { view, version } of features) {
    views.set(view, Math.max(version, views.get(view) ?? 0));
  }
  return views;
}

async function notBuilt(registry: Registry, next: ServicePlan): Promise<Issue[]> {
  const served = await registry.generationServed();
  const plan = served === 0 ? null : await registry.planOf(served);
  const isBuilt = plan?.services.some(
    (one) => one.name === next.name && one.version === next.version && one.hash === next.hash,
  );
  if (isBuilt === true) return [];
  return [
    issue(
      'not_built',
      `services.${next.name}@${next.version}`,
      `No server has taken ${next.name}@${next.version} over yet, so its tiles are not built.`,
      'Run `asof serve`, which builds them, and publish once it has; or give --force and a reason.',
    ),
  ];
}

/** Callers that name no version send and read what the live version declares. */
function* incompatible(next: ServicePlan, live: ServicePlan): Generator<Issue> {
  const path = `services.${next.name}@${next.version}`;
  const remedy = 'Let callers name the version first, or give --force and a reason.';
  const keysOf = ({ joinKeys, request }: ServicePlan): string =>
    [
      ...joinKeys.map(({ name, type }) => `${name} ${typeText(type)}`),
      ...request.map((one) => `${one.name} ${typeText(one.type)}${one.optional ? '?' : ''}`),
    ].join(', ');
  if (keysOf(next) !== keysOf(live)) {
    const text = `Callers send ${keysOf(live)} to ${live.name}@${live.version}, and not ${keysOf(next)}.`;
    yield issue('not_compatible', path, text, remedy);
  }
  const outputsOf = (one: ServicePlan): Map<string, string> =>
    new Map(
      [...one.features, ...computedOutputs(one)].map(({ name, type }) => [name, typeText(type)]),
    );
  const outputs = outputsOf(next);
  for (const [name, type] of outputsOf(live)) {
    const now = outputs.get(name);
    if (now === type) continue;
    const what = now === undefined ? 'is gone' : `is ${now} instead of ${type}`;
    yield issue('not_compatible', path, `The feature '${name}' ${what}.`, remedy);
  }
}

/**
 * Back to what was live before, in one step: ends a canary, else the version before is live again.
 * @throws AsofError `not_applied`, `usage` where there is nothing to go back to
 */
export function rollbackService(
  config: Config,
  service: string,
  author: string,
  reason: string | null,
): Promise<{ readonly release: Release; readonly from: number }> {
  return changeReleases(config, async (registry) => {
    const now = await registry.releases.of(service);
    const target = now === null ? null : now.canary === null ? now.before : now.live;
    if (target === null) {
      const text = `Nothing was live before what is live of '${service}' now.`;
      throw new AsofError('usage', text, { remedy: 'See `asof releases`.' });
    }
    // What went out of the definitions has no tiles any more.
    const plan = await appliedIn(registry, config);
    await requireServed(registry, plan, requireService(plan, service, target));
    const result = await registry.releases.rollback({
      service,
      author,
      reason,
      atMs: systemClock.nowMs(),
    });
    if (result !== null) return result;
    throw new AsofError('run_conflict', `'${service}' was rolled back meanwhile.`);
  });
}

export interface ReleaseList {
  readonly current: readonly Release[];
  readonly history: readonly Release[];
}

export function listReleases(config: Config, service: string | null): Promise<ReleaseList> {
  const viewer = viewerOf(config);
  return withRegistry(config, async ({ releases }) => ({
    current: (await releases.current()).filter(
      (one) => (service === null || one.service === service) && viewer.mayRead(one.service),
    ),
    history: (await releases.history(service)).filter((one) => viewer.mayRead(one.service)),
  }));
}
