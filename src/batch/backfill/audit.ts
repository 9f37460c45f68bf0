import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { NewAudit } from '../../store/offline-catalog-audits.ts';
import type { OfflineFiles } from '../../store/offline-files.ts';
import type { PartitionPart } from '../../store/offline-partition.ts';
import type { ChunkFile } from './chunks.ts';
import { dayCondition, dayText } from './event-days.ts';
import { fingerprintOf } from './group-plan.ts';
import type { BackfillTarget, BackfillWorld } from './world.ts';

export interface DayChange {
  readonly run: { readonly number: number; readonly id: string };
  readonly day: number;
  /** What the tiles held before the run. */
  readonly baseCommit: number;
  readonly throughCommit: number;
  /** The offline relation, through that commit. */
  readonly events: string;
  readonly before: readonly PartitionPart[];
  readonly after: readonly ChunkFile[];
}

/**
 * Compares a day that was final with what it becomes: every tile that differs, as it was and as it
 * will be, goes into a file that stays. Where nothing differs there is no file, and where nothing came
 * either no record. Tiles of another form cannot be compared: the record then says what came.
 */
export async function auditDay(
  world: BackfillWorld,
  { group, source }: BackfillTarget,
  { session, files }: { readonly session: DuckDbSession; readonly files: OfflineFiles },
  change: DayChange,
): Promise<NewAudit | null> {
  if (isSame(change)) return null;
  const { run, day, baseCommit, throughCommit, before } = change;
  const identity = world.builder.identity(group);
  // A day that had no events has no partition: it was empty as of the run before.
  const fromCommit =
    before.length === 0 ? baseCommit : Math.min(...before.map((part) => part.throughCommit));
  const about = {
    run: run.id,
    group: group.id,
    source: source.name,
    day: dayText(day),
    afterCommit: fromCommit,
    throughCommit,
    eventsBefore: change.before.reduce((sum, part) => sum + Number(part.details.events), 0),
    eventsAfter: change.after.reduce((sum, file) => sum + file.events, 0),
  };
  const came = await newRows(session, change, world.builder.condition(group), fromCommit);
  const range = { group, fromMs: day * DAY_MS, toMs: (day + 1) * DAY_MS };
  const datasets = came === null ? [] : world.datasetsReading({ ...range, ...came });
  const fingerprint = fingerprintOf(world, { group });
  const isComparable = change.before.every((part) => part.fingerprint === fingerprint);
  const none = { partition: about.day, path: null, rows: 0, bytes: 0, checksum: null };
  const isGone = change.after.length === 0;
  if (!isComparable) {
    return came === null && !isGone ? null : { ...none, details: { ...about, datasets } };
  }
  await session.run(
    `CREATE OR REPLACE TEMP TABLE changed_tiles AS ${changedSql(identity, files, change)}`,
  );
  const keys = identity.keys.map(sqlName).join(', ');
  const [[tiles, ofKeys] = []] = await session.rows(
    `SELECT count(*), count(DISTINCT (${keys})) FROM changed_tiles`,
  );
  const details = { ...about, datasets, tiles: Number(tiles), keys: Number(ofKeys) };
  if (details.tiles === 0) return came === null ? null : { ...none, details };
  const path = `audit/${run.id}/${group.id}-${about.day}.parquet`;
  const order = [...identity.keys, ...identity.place].map(sqlName).join(', ');
  const metadata = sqlString(JSON.stringify(details));
  const written = await files.write(path, () =>
    session.run(
      `COPY (FROM changed_tiles ORDER BY ${order}) TO ${sqlString(files.unfinished(path))}
       (FORMAT parquet, COMPRESSION zstd, KV_METADATA {asof_audit: ${metadata}})`,
    ),
  );
  await session.run('DROP TABLE changed_tiles');
  return { ...none, ...written, rows: details.tiles, details };
}

/** The same tiles have the same bytes, and the same checksum. */
function isSame({ before, after }: DayChange): boolean {
  const was = before.map(({ checksum }) => checksum);
  const becomes = after.map(({ checksum }) => checksum);
  return was.length === becomes.length && was.every((one, at) => one === becomes[at]);
}

/** What came into the day since its tiles were made; null if nothing did, as in a forced run. */
async function newRows(
  session: DuckDbSession,
  { day, events }: DayChange,
  condition: string,
  afterCommit: number,
): Promise<{ readonly newestCommit: number; readonly oldestArrivalMs: number } | null> {
  const [[commit = null, arrival] = []] = await session.rows(
    `SELECT max(__commit), min(__arrival_time) FROM ${events}
     WHERE __commit > ${afterCommit} AND ${dayCondition([day])} AND ${condition}`,
  );
  if (commit === null) return null;
  return { newestCommit: Number(commit), oldestArrivalMs: Number(arrival) };
}

/** The count of rows that went in is no content: an event that came and went changes no value. */
function changedSql(
  identity: { readonly keys: readonly string[]; readonly place: readonly string[] },
  files: OfflineFiles,
  { before, after }: DayChange,
): string {
  const names = [...identity.keys, ...identity.place].map(sqlName);
  // A side that is empty has the columns of the other.
  const either = before.length === 0 ? after : before;
  const tiles = (parts: readonly { readonly path: string | null }[]): string => {
    const isEmpty = parts.length === 0;
    const paths = (isEmpty ? either : parts).flatMap(({ path }) => path ?? []);
    const real = paths.map((path) => sqlString(files.real(path))).join(', ');
    const none = isEmpty ? ' WHERE FALSE' : '';
    return `(SELECT * EXCLUDE (__rows) FROM read_parquet([${real}])${none})`;
  };
  const on = names.map((name) => `was.${name} = becomes.${name}`).join(' AND ');
  const place = names.map((name) => `coalesce(was.${name}, becomes.${name}) AS ${name}`);
  const first = names[0] ?? '';
  return `SELECT ${place.join(', ')},
      CASE WHEN was.${first} IS NOT NULL THEN was END AS before,
      CASE WHEN becomes.${first} IS NOT NULL THEN becomes END AS after
    FROM ${tiles(before)} was
    FULL JOIN ${tiles(after)} becomes ON ${on}
    WHERE was IS DISTINCT FROM becomes`;
}
