import type { Registry } from '../registry/registry.ts';
import type { Config } from './config.ts';
import { openRegistry } from './project.ts';

/** One look into the registry of a data directory, or one change of it. */
export function withRegistry<T>(config: Config, work: (registry: Registry) => T): T {
  const registry = openRegistry(config);
  try {
    return work(registry);
  } finally {
    registry.close();
  }
}
