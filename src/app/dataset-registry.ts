import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import type { ForgottenDataset } from '../registry/forgotten.ts';
import { namespaceOf } from '../schema/types.ts';
import { viewerOf } from './access/identity.ts';
import { requireRecordedLabels } from './access/training-rights.ts';
import type { Config } from './config.ts';
import { datasetFolder } from './datasets.ts';
import { withRegistry } from './with-registry.ts';

export function listDatasets(config: Config, name: string | null): Promise<DatasetManifest[]> {
  const viewer = viewerOf(config);
  return withRegistry(config, async (registry) => [
    ...viewer.visible(await registry.datasets.list(name)),
  ]);
}

/** What was forgotten of datasets since they were built, the oldest first; of one, or of all. */
export function forgottenOf(
  config: Config,
  name: string | null = null,
  number: number | null = null,
): Promise<ForgottenDataset[]> {
  return withRegistry(config, ({ forgotten }) => forgotten.datasets(name, number));
}

/** @throws AsofError `unknown_name` */
export function showDataset(
  config: Config,
  name: string,
  number: number | null,
): Promise<DatasetManifest> {
  return withRegistry(config, async (registry) => {
    const manifest = await registry.datasets.get(name, number);
    requireRecordedLabels(config, await registry.planOf(manifest.generation), manifest);
    return manifest;
  });
}

/** Lets go of what a dataset held on to; its number is never given again. */
export async function deleteDataset(
  config: Config,
  name: string,
  number: number,
): Promise<DatasetManifest> {
  const nowMs = systemClock.nowMs();
  const manifest = await withRegistry(config, (registry) =>
    registry.transaction(async (within) => {
      const deleted = await within.datasets.delete(name, number, nowMs);
      await within.audit.append({
        ...{ atMs: nowMs, actor: viewerOf(config).principal.id, action: 'datasets.delete' },
        ...{ namespace: namespaceOf(name), target: `dataset ${name}@${number}`, outcome: 'done' },
        details: { rows: deleted.rows, author: deleted.author },
      });
      return deleted;
    }),
  );
  rmSync(join(config.dataDir, datasetFolder(manifest)), { recursive: true, force: true });
  return manifest;
}
