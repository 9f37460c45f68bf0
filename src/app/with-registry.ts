import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { Registry } from '../registry/registry.ts';
import type { Config } from './config.ts';
import { checkFormat } from './data-directory.ts';

/** Whoever opens it closes it. @throws AsofError `newer_format`, `registry_away`, `registry_damaged` */
export async function openRegistry(config: Config): Promise<Registry> {
  mkdirSync(config.dataDir, { recursive: true });
  checkFormat(config.dataDir);
  const path = join(config.dataDir, 'registry.db');
  return Registry.open({ kind: 'sqlite', path }, systemClock);
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
