import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import type { DeniedNote } from './command-door.ts';

/** Writes refusals down; one that cannot be written does not change what was refused. */
export async function noteDenied(config: Config, notes: readonly DeniedNote[]): Promise<void> {
  if (notes.length === 0) return;
  await withRegistry(config, (registry) => registry.audit.append(...notes)).catch(() => {});
}
