import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import { pause } from '../../base/pause.ts';
import type { ArchiveCatalog } from '../../ingest/archive-catalog.ts';
import { ArchiveFiles } from '../../ingest/archive-files.ts';
import { archiveInThread } from '../../ingest/archive-thread.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { forgetIds, type GoneIds } from '../../ingest/forget/gone-ids.ts';
import { type GoneRows, goneRows } from '../../ingest/forget/gone-rows.ts';
import type { RowRule } from '../../ingest/forget/key-rule.ts';
import { thinArchive } from '../../ingest/forget/thin-archive.ts';
import { isGoneOwner } from '../lease-owner.ts';
import { noteWithout, type OpenLetter } from './erase-letters.ts';
import { FORGET_FOLDER, type ForgetJob } from './job.ts';
import type { KeyFinder } from './key-finder.ts';
import { type Plans, sourcesOf } from './places.ts';
import type { Quiet } from './quiet.ts';

/** So long the archive may be written by somebody else before a run gives up. */
const LOCK_WAIT_MS = 120_000;
const LOOK_MS = 250;

/** All events into the archive, and none in the log; what its notes hold of the person goes. */
export async function sealLog(
  { config, parts, checkpointDoor }: Quiet,
  finder: KeyFinder,
  open: OpenLetter,
): Promise<number> {
  const { log } = parts;
  checkpointDoor();
  const throughCommit = log.lastCommit;
  await whenFree(() => archiveInThread({ dataDir: config.dataDir, throughCommit }));
  log.cutThrough(await log.seal(noteWithout(finder, open)));
  return throughCommit;
}

/** Waits while somebody else writes the archive. */
export async function whenFree<T>(work: () => Promise<T>): Promise<T> {
  const untilMs = systemClock.nowMs() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isBusy = error instanceof AsofError && error.code === 'run_conflict';
      if (!isBusy || systemClock.nowMs() >= untilMs) throw error;
    }
    await pause(LOOK_MS);
  }
}

/** What goes, by source; only of sources that have something. */
export type Found = readonly Omit<GoneRows, 'ids'>[];

const IDS_FILE = 'ids.json';

/** Counts what goes, and keeps which ids, until all of it is done. */
export async function collectRows(
  dataDir: string,
  session: DuckDbSession,
  rules: readonly RowRule[],
  plans: Plans,
  { id }: ForgetJob,
): Promise<Found> {
  const files = new ArchiveFiles(dataDir);
  const manifest = files.readManifest();
  const sources = sourcesOf(plans);
  const found: GoneRows[] = [];
  for (const rule of rules) {
    const idColumn = sources.get(rule.source)?.id ?? null;
    const rows = await goneRows(session, files, manifest, rule, idColumn);
    if (rows.rows > 0) found.push(rows);
  }
  const ids = found.map(({ source, ids: { removed, held } }) => {
    return { source, removed: [...removed], held: [...held] };
  });
  const path = `${FORGET_FOLDER}/${id}/${IDS_FILE}`;
  new NodeDisk(dataDir).replace(path, new TextEncoder().encode(JSON.stringify(ids)));
  return found.map(({ source, rows, kept, firstCommit }) => ({ source, rows, kept, firstCommit }));
}

export function eraseIds({ config, parts }: Quiet, { id }: ForgetJob): number {
  const path = `${FORGET_FOLDER}/${id}/${IDS_FILE}`;
  const stored: { source: string; removed: string[]; held: string[] }[] = JSON.parse(
    new TextDecoder().decode(new NodeDisk(config.dataDir).read(path)),
  );
  const gone = new Map(
    stored.map(({ source, removed, held }): [string, GoneIds] => {
      return [source, { removed: new Set(removed), held: new Set(held) }];
    }),
  );
  return forgetIds(parts.disk, gone);
}

export interface ArchiveTask {
  readonly dataDir: string;
  readonly session: DuckDbSession;
  readonly rules: readonly RowRule[];
  readonly job: ForgetJob;
  readonly onFile: (done: number, of: number) => void;
}

/** Answers the bytes that were written. */
export function eraseArchive({ dataDir, session, rules, job, onFile }: ArchiveTask) {
  const files = new ArchiveFiles(dataDir);
  return withWriter(files, async (catalog) => {
    files.removePending(catalog);
    const clock = systemClock;
    return thinArchive({ files, catalog, session, rules, name: job.id, clock, onFile });
  });
}

/** The one writer of the archive. */
function withWriter<T>(
  files: ArchiveFiles,
  work: (catalog: ArchiveCatalog) => Promise<T>,
): Promise<T> {
  return whenFree(async () => {
    const lock = files.lock();
    try {
      const catalog = files.openCatalog();
      try {
        return await work(catalog);
      } finally {
        catalog.close();
      }
    } finally {
      lock.release();
    }
  });
}

/**
 * Takes away the files that were replaced, of every source that had something, once their readers
 * have had their time; those that compactions replaced before them as well.
 */
export async function removeReplaced(
  dataDir: string,
  sources: ReadonlySet<string>,
  graceMs: number,
): Promise<number> {
  const files = new ArchiveFiles(dataDir);
  const isOurs = (path: string): boolean => sources.has(path.split('/')[1] ?? '');
  const replaced = files.withCatalog((catalog) => catalog.retired()) ?? [];
  const newestMs = Math.max(0, ...replaced.filter(({ path }) => isOurs(path)).map(retiredAt));
  const waitMs = Math.min(graceMs, newestMs + graceMs - systemClock.nowMs());
  if (waitMs > 0) await pause(waitMs);
  return withWriter(files, async (catalog) => {
    const forgotten = catalog.retired().flatMap(({ path }) => (isOurs(path) ? [path] : []));
    if (forgotten.length > 0) catalog.change({ forgotten });
    files.removePending(catalog);
    return forgotten.length;
  });
}

function retiredAt({ retiredAtMs }: { readonly retiredAtMs: number }): number {
  return retiredAtMs;
}

/** What sessions of processes that are gone have left on disk. */
export function removeSpills(dataDir: string): number {
  let removed = 0;
  for (const folder of ['spill', 'archive/.spill']) {
    const path = join(dataDir, folder);
    for (const name of existsSync(path) ? readdirSync(path) : []) {
      const pid = /^session-(\d+)-/.exec(name)?.[1];
      if (pid === undefined || !isGoneOwner(`process ${pid} on ${hostname()}`)) continue;
      rmSync(join(path, name), { recursive: true, force: true });
      removed += 1;
    }
  }
  return removed;
}
