import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { RegistryAddress } from '../registry/database.ts';
import { DEFAULT_SCHEMA, hostOf } from '../registry/postgres-dialect.ts';
import { Registry } from '../registry/registry.ts';
import { isSnapshotOf } from '../registry/snapshot.ts';
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

/** Of which registry a snapshot is; without its secret. */
export function registryName(address: RegistryAddress): string {
  if (address.kind === 'sqlite') return 'a file of the data directory';
  return `${hostOf(address.url)} ${address.schema ?? DEFAULT_SCHEMA}`;
}

/** Whoever opens it closes it. @throws AsofError `newer_format`, `registry_away`, `registry_damaged` */
export async function openRegistry(config: Config): Promise<Registry> {
  mkdirSync(config.dataDir, { recursive: true });
  checkFormat(config.dataDir);
  const address = registryAddress(config);
  if (address.kind === 'sqlite') requireFile(address.path, config.dataDir);
  const registry = await Registry.open(address, systemClock, auditKeys());
  try {
    await requireContents(registry, registryName(address), config.dataDir);
    return registry;
  } catch (error) {
    await registry.close().catch(() => {});
    throw error;
  }
}

/**
 * One that had definitions does not become empty: somebody has dropped it, or restored it half. To
 * follow that would turn access control off, too.
 */
async function requireContents(registry: Registry, name: string, dataDir: string): Promise<void> {
  const path = join(dataDir, SNAPSHOT_FILE);
  if (!existsSync(path) || (await registry.generation()) > 0) return;
  // A project that has moved to another registry begins anew there.
  if (!isSnapshotOf(readFileSync(path, 'utf8'), name)) return;
  const text = 'The registry is empty, and it was not when it was looked at last.';
  const remedy = `Bring it back from a copy; or remove ${SNAPSHOT_FILE}, and apply anew.`;
  throw new AsofError('registry_away', text, { path, remedy });
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
