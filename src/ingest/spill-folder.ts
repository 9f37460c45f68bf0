import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const OWN = /^session-(\d+)-/;

/**
 * A folder for one session alone: DuckDB names its spill files by number, so that two sessions in
 * one folder would read each other's. Folders of processes that have died are removed.
 */
export function createSpillFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) {
    const pid = OWN.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
  return mkdtempSync(join(parent, `session-${process.pid}-`));
}

/** Signal 0 asks and sends nothing; a process of another user answers EPERM and runs. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
