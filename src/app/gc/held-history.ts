import type { ProjectPlan } from '../../plan/plan.ts';
import type { DatasetManifest } from '../../registry/dataset-manifest.ts';
import type { Registry } from '../../registry/registry.ts';
import type { HeldHistory } from './archive-retention.ts';

/** The history that datasets hold on to, those that are being built included. */
export async function heldHistories(registry: Registry): Promise<HeldHistory[]> {
  const manifests = new Map(
    (await registry.datasets.list()).map((one) => [`${one.name}@${one.number}`, one]),
  );
  const claims = (await registry.datasets.claims()).filter(({ state }) => state !== 'deleted');
  const held: HeldHistory[] = [];
  // Many are of one plan.
  for (const [generation, ofPlan] of Map.groupBy(claims, (claim) => claim.generation)) {
    const plan = await registry.planOf(generation);
    for (const { name, number, throughCommit } of ofPlan) {
      held.push({ sources: sourcesOf(plan, manifests.get(`${name}@${number}`)), throughCommit });
    }
  }
  return held;
}

/** Of a dataset that is being built nobody knows yet: it may read every source. */
function sourcesOf(plan: ProjectPlan, manifest: DatasetManifest | undefined): ReadonlySet<string> {
  if (manifest === undefined) return new Set(plan.sources.map(({ name }) => name));
  const { service, definition } = manifest;
  const views = plan.services
    .filter((one) => one.name === service.name && one.version === service.version)
    .flatMap((one) => one.features)
    .map((output) => `${output.view}@${output.version}`);
  const labels = plan.datasets
    .filter((one) => one.name === definition?.name && one.version === definition.version)
    .flatMap((one) => one.labels)
    .map((label) => label.view.source);
  const read = plan.views
    .filter((view) => views.includes(`${view.name}@${view.version}`))
    .map((view) => view.source);
  return new Set([...read, ...labels]);
}
