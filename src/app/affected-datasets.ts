import type { WindowSpec } from '../aggregate/window.ts';
import type { TileChange } from '../batch/backfill/world.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import type { Registry } from '../registry/registry.ts';

/** `name@number` of recorded training sets that would come out otherwise if they were built now. */
export function affectedDatasets(registry: Registry): (change: TileChange) => readonly string[] {
  const datasets = registry.datasets.list().map((manifest) => ({
    manifest,
    groups: groupsOf(registry.planWith(manifest.service.name, manifest.service.version), manifest),
  }));
  return (change) =>
    datasets
      .filter(({ manifest, groups }) => groups.has(change.group.id) && isAffected(manifest, change))
      .map(({ manifest }) => `${manifest.name}@${manifest.number}`);
}

function groupsOf(plan: ProjectPlan | null, { service }: DatasetManifest): ReadonlySet<string> {
  const groups = new Set<string>();
  const found = plan?.services.find(
    ({ name, version }) => name === service.name && version === service.version,
  );
  for (const { view, version, feature } of found?.features ?? []) {
    for (const group of groupsOfFeature(plan, `${view}@${version}`, feature)) groups.add(group);
  }
  return groups;
}

/** A derived feature reads others of its view; all of them count. */
function groupsOfFeature(plan: ProjectPlan | null, title: string, feature: string): string[] {
  const view = plan?.views.find(({ name, version }) => `${name}@${version}` === title);
  const own = view?.features.find(({ name }) => name === feature);
  if (own?.kind === 'aggregate') return [own.group];
  return (view?.features ?? []).flatMap((one) => (one.kind === 'aggregate' ? [one.group] : []));
}

/**
 * What was built before the newest of these rows came, and has a row in whose window they lie; with
 * `known: serving` only if that row is not older than their arrival.
 */
function isAffected(manifest: DatasetManifest, change: TileChange): boolean {
  if (manifest.position.commit >= change.newestCommit) return false;
  const times = manifest.columns.find(({ name }) => name === manifest.spine.timeColumn)?.numbers;
  if (times === null || times === undefined || times.of !== 'time') return true;
  const isKnown = manifest.options.known === 'final' || times.max >= change.oldestArrivalMs;
  return isKnown && times.max >= change.fromMs && times.min < change.toMs + reachMs(change.group);
}

/** The longest time after an event at which a window can still hold it. */
function reachMs({ windows }: TileGroupPlan): number {
  return Math.max(...windows.map(reachOf));
}

function reachOf(window: WindowSpec): number {
  if (window.kind === 'sliding') return window.sizeMs + window.hopMs;
  return window.kind === 'tumbling' ? 2 * window.sizeMs : Number.POSITIVE_INFINITY;
}
