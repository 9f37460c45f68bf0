import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createSpillFolder } from '../../ingest/spill-folder.ts';

const DATABASE = /\.db(-wal|-shm|-journal)?$/;
const COPY = 'require("node:fs").copyFileSync(process.argv[1], process.argv[2])';

const run = promisify(execFile);

/** Whether SQLite keeps it, and so locks it. */
export function isDatabase(path: string): boolean {
  return DATABASE.test(path);
}

/**
 * Looks at a copy of a database's file, made by another process. In this one it must not be opened
 * but by SQLite: closing any descriptor of a file lets go of all locks that the process has on it,
 * and others would take the directory, or the registry's log of writes, for abandoned.
 */
export async function atCopy<T>(
  dataDir: string,
  path: string,
  look: (copy: string) => T,
): Promise<T> {
  const folder = createSpillFolder(join(dataDir, 'spill'));
  try {
    const copy = join(folder, 'copy');
    await run(process.execPath, ['-e', COPY, path, copy]);
    return look(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
