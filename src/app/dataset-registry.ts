import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import type { Config } from './config.ts';
import { datasetFolder } from './datasets.ts';
import { withRegistry } from './with-registry.ts';

export function listDatasets(config: Config, name: string | null): Promise<DatasetManifest[]> {
  return withRegistry(config, (registry) => registry.datasets.list(name));
}

/** @throws AsofError `unknown_name` */
export function showDataset(
  config: Config,
  name: string,
  number: number | null,
): Promise<DatasetManifest> {
  return withRegistry(config, (registry) => registry.datasets.get(name, number));
}

/** Lets go of what a dataset held on to; its number is never given again. */
export async function deleteDataset(
  config: Config,
  name: string,
  number: number,
): Promise<DatasetManifest> {
  const manifest = await withRegistry(config, (registry) =>
    registry.datasets.delete(name, number, systemClock.nowMs()),
  );
  rmSync(join(config.dataDir, datasetFolder(manifest)), { recursive: true, force: true });
  return manifest;
}
