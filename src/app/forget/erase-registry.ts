import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Registry } from '../../registry/registry.ts';
import { datasetFolder } from '../datasets.ts';
import {
  type DatasetTask,
  type ErasedDataset,
  eraseDataset,
  type StepNotes,
} from './erase-datasets.ts';
import { groupsOfService, type Touches } from './impact.ts';

/** Training sets whose rows go, or whose values came from what goes; those being built are given up. */
export async function eraseDatasets(
  registry: Registry,
  task: DatasetTask,
  touches: Touches,
  id: string,
  notes: StepNotes,
): Promise<{ readonly erased: ErasedDataset[]; readonly services: ReadonlySet<string> }> {
  const nowMs = systemClock.nowMs();
  for (const claim of await registry.datasets.claims()) {
    if (claim.state !== 'building') continue;
    await registry.datasets.abandon(claim.name, claim.number, nowMs);
    rmSync(join(task.dataDir, datasetFolder(claim)), { recursive: true, force: true });
  }
  const erased: ErasedDataset[] = [];
  const services = new Set<string>();
  for (const manifest of await registry.datasets.list()) {
    const plan = await registry.planOf(manifest.generation);
    const { name, version } = manifest.service;
    const definition = plan.datasets.find((one) => one.name === manifest.definition?.name);
    const labels = definition?.labels.flatMap(({ groups }) => groups) ?? [];
    const builtOn = [...groupsOfService(plan, name, version), ...labels].some(touches);
    const found = await eraseDataset(task, manifest, plan, builtOn, notes);
    if (found === null) continue;
    await registry.forgotten.marked(found.manifest, {
      ...{ forgotten: id, name: manifest.name, number: manifest.number, builtOn },
      rowsRemoved: found.erased.rows,
    });
    services.add(`${name}@${version}`);
    erased.push(found.erased);
  }
  return { erased, services };
}
