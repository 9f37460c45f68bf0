import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { RegistryAddress } from '../registry/database.ts';
import { Registry } from '../registry/registry.ts';
import { auditKeys } from './audit/audit-keys.ts';
import type { Config } from './config.ts';
import { checkFormat } from './data-directory.ts';

const REGISTRY_FILE = 'registry.db';
/** What a server knew of its registry. */
export const SNAPSHOT_FILE = 'registry-snapshot.json';

/** Where a project's registry is: a PostgreSQL that its settings name, or a file of its own. */
export function registryAddress({ registry, dataDir }: Config): RegistryAddress {
  return registry ?? { kind: 'sqlite', path: join(dataDir, REGISTRY_FILE) };
}

/** Whoever opens it closes it. @throws AsofError `newer_format`, `registry_away`, `registry_damaged` */
export async function openRegistry(config: Config): Promise<Registry> {
  mkdirSync(config.dataDir, { recursive: true });
  checkFormat(config.dataDir);
  const address = registryAddress(config);
  if (address.kind === 'sqlite') requireFile(address.path, config.dataDir);
  return Registry.open(address, systemClock, auditKeys());
}

/** A file that a server has followed is not made anew, empty: somebody has taken it away. */
function requireFile(path: string, dataDir: string): void {
  if (existsSync(path) || !existsSync(join(dataDir, SNAPSHOT_FILE))) return;
  const remedy = `Bring it back from a copy; or remove ${SNAPSHOT_FILE} too, and apply anew.`;
  throw new AsofError('registry_away', `The registry ${path} is gone.`, { path, remedy });
}

/** One look into the registry of a data directory, or one change of it. */
export async function withRegistry<T>(
  config: Config,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  const registry = await openRegistry(config);
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}
