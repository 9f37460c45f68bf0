import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { type ViewValidation, validateView } from '../batch/gates/validate-view.ts';
import type { PlannedView } from '../batch/gates/validation-spine.ts';
import { createSpillFolder } from '../ingest/spill-folder.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { Registry } from '../registry/registry.ts';
import { namespaceOf } from '../schema/types.ts';
import { type AskedLabel, requireLabels, restrictedIn, viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { loadDefinitions } from './definitions.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { liveView, viewOf } from './live-versions.ts';
import { openHistory } from './offline.ts';
import { withRegistry } from './with-registry.ts';

export interface ValidateRequest {
  readonly view: string;
  readonly version: number;
  /** A version, or `live`; null: what is live, or else the version before. */
  readonly against: number | 'live' | null;
  readonly sample: number;
  readonly full: boolean;
  readonly atMs: number | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number, phase: string) => void;
}

export interface RecordedValidation extends ViewValidation {
  /** Of the report in the registry. */
  readonly id: number;
}

/**
 * Compares a version of a view, defined or applied, with one that was applied, and keeps the
 * report, by which `publish` goes.
 * @throws AsofError `unknown_name`, `usage`
 */
export async function validateProject(
  config: Config,
  request: ValidateRequest,
): Promise<RecordedValidation> {
  const folder = createSpillFolder(join(config.dataDir, 'spill'));
  return withRegistry(config, async (registry) => {
    const after = await underTest(config, registry, request);
    const before = await comparedWith(registry, after, request.against);
    // The report tells of the values of every feature, in figures and examples.
    requireLabels(config, [...labelsOf(config, after), ...labelsOf(config, before)]);
    const { sample, full, atMs, signal, onProgress } = request;
    const validation = await validateView({
      after,
      before,
      history: await openHistory(config, after.plan),
      atMs,
      sample,
      full,
      folder,
      clock: systemClock,
      duckdb: duckDbOptions(config),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const { view, version } = request;
    const { hash, againstHash, result } = validation;
    const createdMs = systemClock.nowMs();
    const stored = { view, version, hash, againstHash, result, createdMs, report: validation };
    const id = await registry.transaction(async (within) => {
      const number = await within.validations.add(stored);
      await within.audit.append({
        ...{ actor: viewerOf(config).principal.id, action: 'release.validate' },
        ...{ namespace: namespaceOf(view), target: `view ${view}@${version}`, outcome: 'done' },
        details: { report: number, result, hash, againstHash },
      });
      return number;
    });
    return { ...validation, id };
  }).finally(() => rmSync(folder, { recursive: true, force: true }));
}

/** The definitions as they are written come first: what is validated may not be applied yet. */
async function underTest(
  config: Config,
  registry: Registry,
  { view, version }: ValidateRequest,
): Promise<PlannedView> {
  const defined = existsSync(config.definitions)
    ? await loadDefinitions(config.definitions, config)
    : null;
  const applied = await registry.planWithView(view, version);
  for (const plan of [defined, applied]) {
    const found = plan === null ? null : viewOf(plan, view, version);
    if (plan !== null && found !== null) return { plan, view: found };
  }
  const known = [...namesOf(defined), ...namesOf((await registry.current())?.plan ?? null)];
  const title = `${view}@${version}`;
  throw new AsofError('unknown_name', `There is no view ${title}.${didYouMean(title, known)}`);
}

function labelsOf(config: Config, planned: PlannedView | null): readonly AskedLabel[] {
  if (planned === null) return [];
  const { plan, view } = planned;
  return restrictedIn(config, plan).ofView(view.name, view.version);
}

function namesOf(plan: ProjectPlan | null): string[] {
  return plan?.views.map(({ name, version }) => `${name}@${version}`) ?? [];
}

async function comparedWith(
  registry: Registry,
  { view }: PlannedView,
  against: ValidateRequest['against'],
): Promise<PlannedView | null> {
  const plan = (await registry.current())?.plan ?? null;
  const live = plan === null ? null : await liveView(plan, registry, view.name);
  const isItself = live?.hash === view.hash;
  if (against !== null && against !== 'live') return requireVersion(registry, view.name, against);
  if (plan !== null && live !== null && !isItself) return { plan, view: live };
  if (against === 'live') {
    if (isItself) throw new AsofError('usage', `${view.name}@${view.version} itself is live.`);
    throw new AsofError('unknown_name', `No live service reads a version of '${view.name}'.`);
  }
  const versions = await registry.viewVersions(view.name);
  const newest = versions.findLast((version) => version < view.version);
  return newest === undefined ? null : requireVersion(registry, view.name, newest);
}

async function requireVersion(
  registry: Registry,
  name: string,
  version: number,
): Promise<PlannedView> {
  const plan = await registry.planWithView(name, version);
  const view = plan === null ? null : viewOf(plan, name, version);
  if (plan !== null && view !== null) return { plan, view };
  const known = (await registry.viewVersions(name)).join(', ');
  throw new AsofError('unknown_name', `${name}@${version} was never applied.`, {
    remedy: known === '' ? 'Apply it first.' : `Versions that were: ${known}.`,
  });
}
