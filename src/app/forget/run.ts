import { join } from 'node:path';
import { LIMITS } from '../../base/limits.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { RowRule } from '../../ingest/forget/key-rule.ts';
import { eraseLetters } from './erase-letters.ts';
import { eraseTiles } from './erase-offline.ts';
import { eraseShadowFiles } from './erase-reports.ts';
import { eraseServed } from './erase-served.ts';
import { raiseFence } from './fence-file.ts';
import { touchedBy, unprovableServices } from './impact.ts';
import type { JobFile } from './job.ts';
import { groupsOf } from './places.ts';
import type { Quiet } from './quiet.ts';
import { collectRows, eraseArchive, eraseIds, type Found, sealLog } from './steps.ts';
import { rowRules } from './stored-keys.ts';
import { doubtUnits } from './table-units.ts';
import type { RunWorld } from './world.ts';

/** What the part of a run has done during which nothing comes in. */
export interface QuietPart {
  readonly throughCommit: number;
  readonly found: Found;
  /** By store: what went, what stayed without the person, and bytes that were written anew. */
  readonly stores: Readonly<Record<string, readonly [number, number, number]>>;
  readonly unprovable: readonly string[];
}

/** Does a step unless it is behind, and keeps what it found. */
export async function once<T>(
  file: JobFile,
  world: RunWorld,
  step: string,
  work: () => Promise<T> | T,
): Promise<T> {
  const known = file.found(step);
  // What a step found was written by this very step.
  if (known !== undefined) return known as T;
  world.onProgress(step, 0, 1);
  const found = await work();
  world.onStep(`${step}, not noted`);
  file.note(step, found);
  world.onStep(step);
  return found;
}

/**
 * Removes the person from all that is served or could be: archive, log, ids, tiles, state, rejected
 * rows, answers. Every step can be done again, and is kept once it is behind.
 */
export async function runQuietly(quiet: Quiet, file: JobFile, world: RunWorld): Promise<QuietPart> {
  const { job, finder, gone, plans, open } = world;
  const { config, parts } = quiet;
  const { dataDir } = config;
  await once(file, world, 'fence', () => {
    raiseFence(dataDir, job, gone, plans);
    return true;
  });
  const throughCommit = await once(file, world, 'log', () => sealLog(quiet, finder, open));
  const [found, archive] = await withRules(world, async (session, rules) => [
    await once(file, world, 'search', () => collectRows(dataDir, session, rules, plans, job)),
    await once(file, world, 'archive', () => {
      const onFile = (done: number, of: number): void => world.onProgress('archive', done, of);
      return eraseArchive({ dataDir, session, rules, job, onFile });
    }),
  ]);
  const ids = await once(file, world, 'ids', () => eraseIds(quiet, job));
  const affected = new Set(found.map(({ source }) => source));
  const tiles = await once(file, world, 'tiles', () => {
    doubtUnits(dataDir, affected);
    return eraseTiles(dataDir, groupsOf(plans), affected);
  });
  await once(file, world, 'state', async () => {
    await quiet.rebuild();
    return true;
  });
  const letters = await once(file, world, 'letters', () => {
    // Whoever holds their files open holds what was there before.
    parts.letters.close();
    return eraseLetters(dataDir, finder, open);
  });
  const places = gone.map(({ place }) => place);
  const touches = touchedBy(job, plans, places, affected);
  const unprovable = unprovableServices(plans, touches);
  const served = await once(file, world, 'served', () => {
    return parts.serveLog.aside(() => eraseServed(dataDir, finder, { unprovable }));
  });
  const shadows = await once(file, world, 'shadows', () => {
    parts.shadows.reader.forget((key) => finder.inKey(key));
    parts.shadows.save();
    return eraseShadowFiles(parts.disk, finder);
  });
  const kept = found.reduce((sum, one) => sum + one.kept, 0);
  const rows = found.reduce((sum, one) => sum + one.rows, 0);
  return {
    throughCommit,
    found,
    unprovable: [...unprovable].sort(),
    stores: {
      archive: [rows - kept, kept, archive.bytesRewritten],
      ids: [ids, 0, 0],
      tiles: [tiles.files, 0, 0],
      dead_letters: [letters.lines, 0, letters.bytesRewritten],
      serve_log: [served.lines, 0, served.bytesRewritten],
      serve_log_unprovable: [served.unprovable, 0, 0],
      shadow_reports: [shadows, 0, 0],
    },
  };
}

/** A session with the keys that go. */
export async function withRules<T>(
  { config, job, plans, gone }: RunWorld,
  work: (session: DuckDbSession, rules: readonly RowRule[]) => Promise<T>,
): Promise<T> {
  const session = await DuckDbSession.open({
    memoryBytes: LIMITS.archiveMemoryBytes,
    spillFolder: join(config.dataDir, 'spill'),
    threads: config.threads,
  });
  try {
    return await work(session, await rowRules(session, job, plans, gone));
  } finally {
    session.close();
  }
}
