import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { pause } from '../base/pause.ts';
import type { RegistryAddress } from '../registry/database.ts';
import { listenToChanges } from '../registry/listen.ts';
import {
  parseSnapshot,
  type RegistrySnapshot,
  readSnapshot,
  snapshotText,
} from '../registry/snapshot.ts';
import type { Config } from './config.ts';
import type { RegistryWorld } from './registry-follower.ts';
import {
  openRegistry,
  registryAddress,
  registryName,
  SNAPSHOT_FILE,
  withRegistry,
} from './with-registry.ts';

/** The registry of a project as a server follows it. */
export function registryWorld(
  config: Config,
  { logger, onState }: Pick<RegistryWorld, 'logger' | 'onState'>,
): RegistryWorld {
  const address = registryAddress(config);
  const path = join(config.dataDir, SNAPSHOT_FILE);
  const name = registryName(address);
  return {
    open: () => openRegistry(config),
    identity: () => identityOf(address),
    listen:
      address.kind === 'postgres'
        ? (onChange, onLost) => listenToChanges(address, onChange, onLost)
        : null,
    kept: () => (existsSync(path) ? parseSnapshot(readFileSync(path, 'utf8'), name) : null),
    keep: (snapshot) => keep(config, snapshot),
    clock: systemClock,
    pause,
    logger,
    onState,
  };
}

/** Where a snapshot is kept, it is one of now: what was replaced in the registry is not in it. */
export async function keepAnew(config: Config): Promise<void> {
  if (!existsSync(join(config.dataDir, SNAPSHOT_FILE))) return;
  keep(config, await withRegistry(config, (registry) => readSnapshot(registry, null)));
}

function keep(config: Config, snapshot: RegistrySnapshot): void {
  const text = snapshotText(snapshot, registryName(registryAddress(config)));
  new NodeDisk(config.dataDir).replace(SNAPSHOT_FILE, new TextEncoder().encode(text));
}

/** Which file it is, so that one that was replaced is not taken for it; '' where there is none. */
function identityOf(address: RegistryAddress): string {
  if (address.kind === 'postgres') return 'postgres';
  const found = statSync(address.path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev}:${found.ino}`;
}
