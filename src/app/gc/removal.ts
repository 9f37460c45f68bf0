import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Something that nothing needs any more. */
export interface Removal {
  readonly what: 'archive' | 'offline' | 'dataset' | 'run' | 'serve_log' | 'dead_letters';
  /** Relative to the data directory, or the name of a record. */
  readonly path: string;
  readonly why: string;
  readonly bytes: number;
}

/** What one part of the data directory has to give, and how it is taken away. */
export interface Sweep {
  readonly removals: readonly Removal[];
  /** Why something was left for another time, or null. */
  readonly leftOut: string | null;
}

export interface SweepOptions {
  readonly dataDir: string;
  readonly nowMs: number;
  /** Says what would go, and takes nothing away. */
  readonly dryRun: boolean;
}

/** 0 for what is gone already. */
export function bytesOf(dataDir: string, path: string): number {
  return statSync(join(dataDir, path), { throwIfNoEntry: false })?.size ?? 0;
}

export function removeFile(dataDir: string, path: string): void {
  rmSync(join(dataDir, path), { force: true });
}
