import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../base/limits.ts';
import type { DatasetClaim } from '../../registry/datasets.ts';
import type { Registry } from '../../registry/registry.ts';
import { DATASETS_FOLDER } from '../datasets.ts';
import { bytesOf, type Removal, type Sweep, type SweepOptions } from './removal.ts';

/** Files of datasets that were deleted, or whose building was given up. */
export async function sweepDatasets(registry: Registry, options: SweepOptions): Promise<Sweep> {
  const { dataDir, nowMs, dryRun } = options;
  // The folders first: whoever begins a dataset after this is among the claims, or has no folder.
  const folders = foldersOf(dataDir);
  const claims = new Map(
    (await registry.datasets.claims()).map((claim) => [`${claim.name}/${claim.number}`, claim]),
  );
  const removals: Removal[] = [];
  for (const folder of folders) {
    const claim = claims.get(folder);
    const path = `${DATASETS_FOLDER}/${folder}`;
    const why = reasonOf(claim, nowMs, join(dataDir, path));
    if (why === null) continue;
    for (const file of readdirSync(join(dataDir, path))) {
      const bytes = bytesOf(dataDir, `${path}/${file}`);
      removals.push({ what: 'dataset', path: `${path}/${file}`, why, bytes });
    }
    if (dryRun) continue;
    if (claim?.state === 'building') {
      await registry.datasets.abandon(claim.name, claim.number, nowMs);
    }
    rmSync(join(dataDir, path), { recursive: true, force: true });
  }
  return { removals, leftOut: null };
}

/** `name/number` of every folder. */
function foldersOf(dataDir: string): string[] {
  const root = join(dataDir, DATASETS_FOLDER);
  if (!existsSync(root)) return [];
  return readdirSync(root).flatMap((name) =>
    readdirSync(join(root, name)).map((number) => `${name}/${number}`),
  );
}

function reasonOf(claim: DatasetClaim | undefined, nowMs: number, folder: string): string | null {
  const sinceMs = nowMs - LIMITS.abandonedBuildMs;
  if (claim?.state === 'live') return null;
  if (claim?.state === 'deleted') return 'its dataset was deleted';
  if (claim === undefined) {
    return statSync(folder).mtimeMs < sinceMs ? 'the registry knows no such dataset' : null;
  }
  return claim.createdMs < sinceMs ? 'its building was never finished' : null;
}
