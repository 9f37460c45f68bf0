import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { OfflineFiles } from '../../store/offline-files.ts';
import type { ChunkFile, ChunkPlan } from './chunks.ts';
import { requireSameRows } from './day-rows.ts';
import { dayText } from './event-days.ts';
import type { TileBuilder } from './tile-port.ts';
import { type BackfillStep, type BackfillTarget, subjectOfGroup } from './world.ts';

const PARQUET_OPTIONS = 'FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2';
const TABLE = 'tiles_of_chunk';

export interface ChunkWork {
  readonly session: DuckDbSession;
  readonly files: OfflineFiles;
  readonly builder: TileBuilder;
  readonly target: BackfillTarget;
  /** The offline relation, through the run's commit. */
  readonly events: string;
  /** Names the files: no other run, and nobody who takes this one over, writes the same. */
  readonly writer: string;
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
  const { session, builder, events, signal, onShare } = work;
  const { group } = work.target;
  const days = plan.days.map(({ day }) => day);
  const select = builder.select({ group, events, days, slice: plan.slice });
  const isSingle = days.length === 1;
  if (!isSingle) {
    await session.run(`CREATE OR REPLACE TEMP TABLE ${TABLE} AS ${select}`, {
      signal,
      onProgress: onShare,
    });
  }
  const tiles = isSingle ? `(${select})` : TABLE;
  const written: ChunkFile[] = [];
  for (const { day, rows } of plan.days) {
    const part = plan.slice?.index ?? 0;
    const path = `offline/${subjectOfGroup(group)}/${dayText(day)}/${work.writer}-${part}.parquet`;
    const file = await writeDay(isSingle ? work : { ...work, onShare: () => {} }, tiles, day, path);
    if (plan.slice === null) requireSameRows(path, rows, file.events);
    written.push(file);
  }
  if (!isSingle) await session.run(`DROP TABLE ${TABLE}`);
  return written;
}

async function writeDay(
  { session, files, builder, target, signal, onStep, onShare }: ChunkWork,
  tiles: string,
  day: number,
  path: string,
): Promise<ChunkFile> {
  const { keys, place } = builder.identity(target.group);
  const order = [...keys, ...place].map(sqlName).join(', ');
  const rowsOf = `SELECT * EXCLUDE (__day) FROM ${tiles} WHERE __day = ${day} ORDER BY ${order}`;
  const copy = `COPY (${rowsOf}) TO ${sqlString(files.unfinished(path))} (${PARQUET_OPTIONS})`;
  const { bytes, checksum } = await files.write(path, () =>
    session.run(copy, { signal, onProgress: onShare }),
  );
  onStep({ kind: 'written', path });
  const written = sqlString(files.real(path));
  const [[rows, events] = []] = await session.rows(
    `SELECT count(*), coalesce(sum(__rows), 0) FROM read_parquet(${written})`,
  );
  return { day, path, rows: Number(rows), events: Number(events), bytes, checksum };
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
