import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { RegistrySnapshot } from '../registry/snapshot.ts';
import type { Config } from './config.ts';
import { DataDirectory } from './data-directory.ts';
import { Platform } from './platform.ts';
import { nodeDisk } from './platform-parts.ts';
import type { ServerEvents } from './server-events.ts';
import { withRegistry } from './with-registry.ts';

export interface StartedPlatform {
  readonly platform: Platform;
  /** What it works by: the definitions that are applied, or those before. */
  readonly used: RegistrySnapshot;
}

/**
 * Serves what is applied. Where a logged event does not fit it, which came in after the apply looked
 * and before a server had the new types, that is told, and what was served before is served again:
 * every event that is stored fits that.
 */
export async function startPlatform(
  config: Config,
  directory: DataDirectory,
  snapshot: RegistrySnapshot,
  events: ServerEvents,
): Promise<StartedPlatform> {
  const start = async (used: RegistrySnapshot, locked: DataDirectory): Promise<StartedPlatform> => {
    const { plan } = present(used.applied, 'definitions that are applied');
    return { platform: await Platform.start(config, plan, nodeDisk, locked, true, used), used };
  };
  try {
    return await start(snapshot, directory);
  } catch (error) {
    if (!(error instanceof AsofError) || error.code !== 'type_mismatch') throw error;
    const before = await servedBefore(config, snapshot);
    if (before === null) throw error;
    events.refused(error);
    return start(before, DataDirectory.open(config.dataDir));
  }
}

/** The same with the definitions that a server took over last; null where those are it already. */
async function servedBefore(
  config: Config,
  snapshot: RegistrySnapshot,
): Promise<RegistrySnapshot | null> {
  const { applied } = snapshot;
  if (applied === null) return null;
  const generation = await withRegistry(config, (registry) => registry.generationServed());
  if (generation === 0 || generation >= applied.generation) return null;
  const plan = await withRegistry(config, (registry) => registry.planOf(generation));
  return { ...snapshot, applied: { ...applied, generation, plan } };
}
