import { join } from 'node:path';
import type { Config } from './config.ts';

/** What work in DuckDB may take, and where it spills. */
export function duckDbOptions(config: Config): {
  memoryBytes: number;
  spillFolder: string;
  threads: number;
} {
  return {
    memoryBytes: config.batchMemoryMiB * 1024 * 1024,
    spillFolder: join(config.dataDir, 'spill'),
    threads: config.threads,
  };
}
