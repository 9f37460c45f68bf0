import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';

/** What all cases of a run share: a folder, in memory where there is one, and one database. */
export interface Workspace {
  readonly folder: string;
  readonly session: DuckDbSession;
  close(): void;
}

const MEMORY = '/dev/shm';

export async function openWorkspace(): Promise<Workspace> {
  const parent = existsSync(MEMORY) ? MEMORY : tmpdir();
  const folder = mkdtempSync(join(parent, 'asof-conformance-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Also where the process is told to end in the middle of a case.
  process.once('exit', remove);
  const session = await DuckDbSession.open({ threads: 1 });
  return {
    folder,
    session,
    close: () => {
      session.close();
      process.off('exit', remove);
      remove();
    },
  };
}
