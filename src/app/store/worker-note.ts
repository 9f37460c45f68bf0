import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'workers.json';

/** Whose workers answer, and on which port. */
export interface WorkerNote {
  /** Of one start of a primary. */
  readonly crew: string;
  readonly port: number;
}

/**
 * Says in the data directory which workers answer for it. It stays where a primary dies: so the next
 * one knows who holds its port, and its workers know when they are not needed any more.
 */
export function noteWorkers(dataDir: string, note: WorkerNote): void {
  const file = join(dataDir, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(note)}\n`);
  renameSync(`${file}.new`, file);
}

/** Null where nobody noted any, or what is there is no note. */
export function notedWorkers(dataDir: string): WorkerNote | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(dataDir, FILE), 'utf8'));
    if (typeof parsed !== 'object' || parsed === null) return null;
    const { crew, port }: { crew?: unknown; port?: unknown } = parsed;
    return typeof crew === 'string' && typeof port === 'number' ? { crew, port } : null;
  } catch {
    return null;
  }
}

/** Workers that a primary left behind end within half a second. */
export function dismissWorkers(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true });
}
