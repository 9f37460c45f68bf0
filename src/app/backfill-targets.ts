import { existsSync } from 'node:fs';
import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { BackfillTarget } from '../batch/backfill/world.ts';
import type { ProjectPlan, ServicePlan, TileGroupPlan, ViewPlan } from '../plan/plan.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import { DEFAULT_NAMESPACE } from '../schema/types.ts';
import { viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { loadDefinitions } from './definitions.ts';
import { withRegistry } from './with-registry.ts';

/** What a name on the command line means. */
export interface Selection {
  readonly plan: ProjectPlan;
  /** Whether the plan is the applied one; else it is that of the definitions file. */
  readonly applied: boolean;
  readonly targets: readonly BackfillTarget[];
}

/** `null` names all groups. */
export type Selector = string | null;

/** Of groups whose views have no owner. */
const NOBODY = 'nobody';

/**
 * Finds the tile groups of `view@version`, of the newest version of `view`, or the group whose id
 * begins so; in what is applied, else in the definitions file. With `defined`, a version of a view
 * that is only defined is its newest one too.
 * @throws AsofError `unknown_name`, `not_applied`, or as loading definitions
 */
export async function selectTargets(
  config: Config,
  selector: Selector,
  { defined }: { readonly defined: boolean },
): Promise<Selection> {
  const viewer = viewerOf(config);
  const applied = await currentPlan(config);
  const found = applied === null ? null : find(applied, true, selector, viewer);
  const isBare = selector !== null && !selector.includes('@');
  if (found !== null && !(defined && isBare && newestOf(applied, selector) > 0)) return found;
  const inFile = existsSync(config.definitions)
    ? await loadDefinitions(config.definitions, config)
    : null;
  const foundInFile = inFile === null ? null : find(inFile, false, selector, viewer);
  if (found !== null) {
    const isNewer = newestOf(inFile, selector) > newestOf(applied, selector);
    return isNewer && foundInFile !== null ? foundInFile : found;
  }
  if (foundInFile !== null) return foundInFile;
  if (applied === null && inFile === null) {
    throw new AsofError('not_applied', `There are no definitions for ${config.dataDir}.`, {
      path: config.definitions,
    });
  }
  const views = viewer.visible([...(applied?.views ?? []), ...(inFile?.views ?? [])]);
  const known = [...new Set(views.map(titleOf))];
  const hint = selector === null ? '' : didYouMean(selector, known);
  throw new AsofError('unknown_name', `There is no view or tile group '${selector}'.${hint}`, {
    remedy: `Views: ${known.join(', ')}. Tile groups: see \`asof backfill --all --dry-run\`.`,
  });
}

/** The newest version of a view; 0 where there is none. */
function newestOf(plan: ProjectPlan | null, name: Selector): number {
  const views = plan?.views.filter((view) => view.name === name) ?? [];
  return Math.max(0, ...views.map(({ version }) => version));
}

async function currentPlan(config: Config): Promise<ProjectPlan | null> {
  const applied = await withRegistry(config, (registry) => registry.current());
  return applied?.plan ?? null;
}

function find(
  plan: ProjectPlan,
  applied: boolean,
  selector: Selector,
  viewer: Viewer,
): Selection | null {
  const of = (groups: readonly TileGroupPlan[]): Selection | null => {
    if (groups.length === 0) return null;
    return { plan, applied, targets: groups.map((group) => targetOf(plan, group)) };
  };
  if (selector === null) return of(plan.groups);
  const views = plan.views.filter((view) => titleOf(view) === selector || view.name === selector);
  const view = views.sort((a, b) => b.version - a.version)[0];
  if (view !== undefined) return of(groupsOfView(plan, view));
  if (selector.length < 4) return null;
  return of(
    plan.groups.filter(
      ({ id, namespace = DEFAULT_NAMESPACE }) =>
        id.startsWith(selector) && viewer.has('editor', namespace),
    ),
  );
}

function targetOf(plan: ProjectPlan, group: TileGroupPlan): BackfillTarget {
  const source = plan.sources.find(({ name }) => name === group.source);
  return { group, source: present(source, `the plan has the source ${group.source}`) };
}

export function titleOf({ name, version }: Pick<ViewPlan, 'name' | 'version'>): string {
  return `${name}@${version}`;
}

function groupIdsOf(view: ViewPlan): ReadonlySet<string> {
  return new Set(
    view.features.flatMap((feature) => (feature.kind === 'aggregate' ? [feature.group] : [])),
  );
}

function groupsOfView(plan: ProjectPlan, view: ViewPlan): TileGroupPlan[] {
  const ids = groupIdsOf(view);
  return plan.groups.filter(({ id }) => ids.has(id));
}

/** Of all of a namespace, whoever owns it: `fraud.*`. */
function namespaceQuota({ namespace = DEFAULT_NAMESPACE }: TileGroupPlan): string {
  return `${namespace}.*`;
}

/** Whose quota counts for a group: its namespace's where there is one, else its owner's. */
export function chargedTo(
  quotas: Config['quotas'],
  plan: ProjectPlan,
  group: TileGroupPlan,
): string {
  const namespace = namespaceQuota(group);
  return Object.hasOwn(quotas, namespace) ? namespace : ownerOf(plan, group);
}

/** Who is charged for a group: the owner of the first view, by name, that reads it and has one. */
function ownerOf(plan: ProjectPlan, group: TileGroupPlan): string {
  const views = plan.views.filter((view) => groupIdsOf(view).has(group.id));
  return views.find(({ meta }) => meta.owner !== null)?.meta.owner ?? NOBODY;
}

/** What reads the tiles of some groups: what a backfill of them touches. */
export interface Touched {
  readonly views: readonly string[];
  readonly services: readonly string[];
  /** Defined training sets. */
  readonly datasets: readonly string[];
}

export function touchedBy(plan: ProjectPlan, groups: readonly TileGroupPlan[]): Touched {
  const ids = new Set(groups.map(({ id }) => id));
  const views = plan.views.filter((view) => [...groupIdsOf(view)].some((id) => ids.has(id)));
  const titles = new Set(views.map(titleOf));
  const reads = ({ features }: ServicePlan): boolean =>
    features.some(({ view, version }) => titles.has(`${view}@${version}`));
  const services = plan.services.filter(reads).map(titleOf);
  const datasets = plan.datasets.filter(
    ({ service, serviceVersion, labels }) =>
      services.includes(`${service}@${serviceVersion}`) ||
      labels.some((label) => label.groups.some(({ id }) => ids.has(id))),
  );
  return { views: [...titles], services, datasets: datasets.map(titleOf) };
}
