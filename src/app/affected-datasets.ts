import type { WindowSpec } from '../aggregate/window.ts';
import type { TileChange } from '../batch/backfill/world.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';

/** What is asked of the registry. */
export interface RecordedDatasets {
  readonly datasets: { list(): Promise<readonly DatasetManifest[]> };
  planWith(service: string, version: number): Promise<ProjectPlan | null>;
}

/** `name@number` of recorded training sets that would come out otherwise if they were built now. */
export async function affectedDatasets(
  registry: RecordedDatasets,
): Promise<(change: TileChange) => readonly string[]> {
  const read: { readonly manifest: DatasetManifest; readonly groups: readonly TileGroupPlan[] }[] =
    [];
  for (const manifest of await registry.datasets.list()) {
    const { name, version } = manifest.service;
    const plan = await registry.planWith(name, version);
    read.push({ manifest, groups: groupsRead(plan, manifest) });
  }
  return (change) =>
    read
      .filter(({ manifest, groups }) => {
        const same = groups.filter((group) => eventsOf(group) === eventsOf(change.group));
        return same.length > 0 && isAffected(manifest, change, Math.max(...same.map(reachMs)));
      })
      .map(({ manifest }) => `${manifest.name}@${manifest.number}`);
}

/** The events that a group sees: groups of other plans may hold the same with other windows. */
function eventsOf({ source, keyColumns, filter }: TileGroupPlan): string {
  return JSON.stringify([source, keyColumns, filter]);
}

function groupsRead(plan: ProjectPlan | null, { service }: DatasetManifest): TileGroupPlan[] {
  const found = plan?.services.find(
    ({ name, version }) => name === service.name && version === service.version,
  );
  const ids = new Set<string>();
  for (const { view, version, feature } of found?.features ?? []) {
    for (const id of groupIdsOf(plan, `${view}@${version}`, feature)) ids.add(id);
  }
  return (plan?.groups ?? []).filter(({ id }) => ids.has(id));
}

/** A derived feature reads others of its view; all of them count. */
function groupIdsOf(plan: ProjectPlan | null, title: string, feature: string): string[] {
  const view = plan?.views.find(({ name, version }) => `${name}@${version}` === title);
  const own = view?.features.find(({ name }) => name === feature);
  if (own?.kind === 'aggregate') return [own.group];
  return (view?.features ?? []).flatMap((one) => (one.kind === 'aggregate' ? [one.group] : []));
}

/**
 * What was built before the newest of these rows came, and has a row in whose window they lie; with
 * `known: serving` only if that row is not older than their arrival.
 */
function isAffected(manifest: DatasetManifest, change: TileChange, reach: number): boolean {
  if (manifest.position.commit >= change.newestCommit) return false;
  const times = manifest.columns.find(({ name }) => name === manifest.spine.timeColumn)?.numbers;
  // A time that is a number is epoch milliseconds, as times are; of texts only lengths are known.
  if (times === null || times === undefined || times.of === 'length') return true;
  const isKnown = manifest.options.known === 'final' || times.max >= change.oldestArrivalMs;
  return isKnown && times.max >= change.fromMs && times.min < change.toMs + reach;
}

/** The longest time after an event at which a window can still hold it. */
function reachMs({ windows }: TileGroupPlan): number {
  return Math.max(...windows.map(reachOf));
}

function reachOf(window: WindowSpec): number {
  if (window.kind === 'sliding') return window.sizeMs + window.hopMs;
  return window.kind === 'tumbling' ? 2 * window.sizeMs : Number.POSITIVE_INFINITY;
}
