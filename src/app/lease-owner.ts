import { hostname } from 'node:os';

/** Names this process among all that may work on the data directory. */
export function leaseOwner(): string {
  return `process ${process.pid} on ${hostname()}`;
}

/** Whether an owner is a process of this machine that is there no more. */
export function isGoneOwner(owner: string): boolean {
  const match = /^process (\d+) on (.*)$/.exec(owner);
  if (match === null || match[2] !== hostname()) return false;
  try {
    process.kill(Number(match[1]), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
