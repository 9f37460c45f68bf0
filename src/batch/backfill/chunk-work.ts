import { present } from '../../base/assert.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { OfflineFiles, SealedFile } from '../../store/offline-files.ts';
import type { ChunkFile, ChunkPlan } from './chunks.ts';
import { requireSameRows } from './day-rows.ts';
import { dayText } from './event-days.ts';
import type { KeySlice, TileBuilder } from './tile-port.ts';
import { type BackfillStep, type BackfillTarget, subjectOfGroup } from './world.ts';

const TABLE = 'tiles_of_chunk';
/** Files that are being made durable; more would keep the queries from their threads. */
const SEALED_AT_ONCE = 2;

export interface ChunkWork {
  readonly session: DuckDbSession;
  readonly files: OfflineFiles;
  readonly builder: TileBuilder;
  readonly target: BackfillTarget;
  /** The offline relation, through the run's commit. */
  readonly events: string;
  /** Names the files: no other run, and nobody who takes this one over, writes the same. */
  readonly writer: string;
  /** Whether each day is read by itself, because its rows lie together; else all are read at once. */
  readonly readsByDay: boolean;
  readonly signal: AbortSignal;
  readonly onStep: (step: BackfillStep) => void;
  /** The share of a chunk that is computed. */
  readonly onShare: (share: number) => void;
}

/**
 * Computes the tiles of a chunk and writes a file for each of its days, or of its slice of one. What
 * went in is read back from the files and compared with what was counted before.
 * @throws AsofError `rows_lost`, `out_of_memory`, `disk_full`, `disk_failed`
 */
export async function runChunk(work: ChunkWork, plan: ChunkPlan): Promise<ChunkFile[]> {
  const { files, target, writer } = work;
  const part = plan.slice?.index ?? 0;
  const days = plan.days.map(({ day }) => ({
    day,
    path: `offline/${subjectOfGroup(target.group)}/${dayText(day)}-${writer}-${part}.parquet`,
  }));
  const paths = days.map(({ path }) => path);
  try {
    const sealed = await writeDays(work, plan, days);
    files.name(paths);
    for (const path of paths) work.onStep({ kind: 'written', path });
    const counts = await readCounts(work, paths);
    const written = days.map(({ day, path }): ChunkFile => {
      const { bytes, checksum } = present(sealed.get(path), path);
      const { rows = 0, events = 0 } = counts.get(files.real(path)) ?? {};
      return { day, path, rows, events, bytes, checksum };
    });
    if (plan.slice === null) {
      for (const [at, { rows }] of plan.days.entries()) {
        requireSameRows(paths[at] ?? '', rows, written[at]?.events ?? 0);
      }
    }
    return written;
  } catch (error) {
    files.discard(paths);
    throw error;
  }
}

/** While a file is being made durable, the next ones are computed; not too many are under way. */
async function writeDays(
  work: ChunkWork,
  plan: ChunkPlan,
  days: readonly { readonly day: number; readonly path: string }[],
): Promise<ReadonlyMap<string, SealedFile>> {
  const { session, files, signal, onShare } = work;
  const sealed = new Map<string, SealedFile>();
  const failures: unknown[] = [];
  const sealing = new Set<Promise<void>>();
  const seal = async (path: string): Promise<void> => {
    try {
      sealed.set(path, await files.seal(path));
    } catch (error) {
      failures.push(error);
    }
  };
  const { slice } = plan;
  const isTogether = days.length > 1 && !work.readsByDay;
  const all = days.map(({ day }) => day);
  if (isTogether) {
    const select = sortedTiles(work, all, slice);
    const table = `CREATE OR REPLACE TEMP TABLE ${TABLE} AS ${select}`;
    await session.run(table, { signal, onProgress: onShare });
  }
  try {
    for (const [at, { day, path }] of days.entries()) {
      const ofDay = isTogether
        ? `SELECT * FROM ${TABLE} WHERE __day = ${day}`
        : sortedTiles(work, [day], slice);
      const target = sqlString(files.unfinished(path));
      const copy = `COPY (SELECT * EXCLUDE (__day) FROM (${ofDay})) TO ${target} (FORMAT parquet)`;
      const onProgress = (share: number): void => onShare((at + share) / days.length);
      await session.run(copy, isTogether ? { signal } : { signal, onProgress });
      const one = seal(path).finally(() => sealing.delete(one));
      sealing.add(one);
      if (sealing.size >= SEALED_AT_ONCE) await Promise.race(sealing);
    }
  } finally {
    await Promise.all(sealing);
  }
  if (failures.length > 0) throw failures[0];
  if (isTogether) await session.run(`DROP TABLE ${TABLE}`);
  return sealed;
}

/** In an order that depends on nothing but the tiles, so that the same ones give the same bytes. */
function sortedTiles(
  { builder, events, target }: ChunkWork,
  days: readonly number[],
  slice: KeySlice | null,
): string {
  const { group } = target;
  const { keys, place } = builder.identity(group);
  const hash = `hash(${keys.map(sqlName).join(', ')})`;
  const order = [...(days.length > 1 ? ['__day'] : []), ...place.map(sqlName), hash];
  const select = builder.select({ group, events, days, slice });
  return `SELECT * FROM (${select}) ORDER BY ${order.join(', ')}`;
}

/** What the files say: their tiles, and the rows of the history that went in. */
async function readCounts(
  { session, files }: ChunkWork,
  paths: readonly string[],
): Promise<Map<string, { readonly rows: number; readonly events: number }>> {
  const list = paths.map((path) => sqlString(files.real(path))).join(', ');
  const rows = await session.rows(
    `SELECT filename, count(*), sum(__rows) FROM read_parquet([${list}], filename = true)
     GROUP BY filename`,
  );
  return new Map(
    rows.map(([name, tiles, events]) => [
      String(name),
      { rows: Number(tiles), events: Number(events) },
    ]),
  );
}

/** Whether every file of a chunk is there as it was written. */
export async function isWhole(
  files: OfflineFiles,
  written: readonly ChunkFile[],
): Promise<boolean> {
  for (const { path, checksum } of written) {
    if (!files.exists(path) || (await files.checksum(path)) !== checksum) return false;
  }
  return true;
}
