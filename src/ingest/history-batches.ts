import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { ArchiveFile, ArchiveManifest } from './archive-manifest.ts';
import { relationOf } from './archive-relation.ts';
import { BatchAssembler } from './batch-assembler.ts';
import { DuckDbSession } from './duckdb-session.ts';
import { filesWithin, formOf, orderedRuns, type RowRange, selectFiles } from './history-files.ts';
import type { LogReader } from './history-log.ts';

export interface BatchQuery {
  /** One source; without it the batches of all sources. */
  readonly source?: string;
  /** Skips the commits before the first that holds an event that arrived then or later. */
  readonly fromArrivalMs?: number;
  /** Batches up to this commit are left out. */
  readonly afterCommit?: number;
  readonly throughCommit?: number;
}

export interface HistoryPlaces {
  readonly files: ArchiveFiles;
  readonly log: LogReader;
  readonly schemaOf: (source: string) => SourceSchema | undefined;
}

type BoundQuery = BatchQuery & { readonly throughCommit: number };
type Batches = AsyncGenerator<EventBatch, void, void>;

/**
 * Reads the archive up to its end and the log from there. Should the archive be compacted or the
 * log be cut meanwhile, it goes on behind the last batch given, from the manifest of that moment.
 */
export async function* historyBatches(places: HistoryPlaces, query: BoundQuery): Batches {
  // Not the archive's own: that one is swept whenever an archiving begins.
  const spillFolder = places.files.real('spill');
  const session = await DuckDbSession.open({ memoryBytes: LIMITS.archiveMemoryBytes, spillFolder });
  const isDue = skipEarly(places, query);
  let done = query.afterCommit ?? 0;
  let retries = 0;
  try {
    while (done < query.throughCommit) {
      const before = done;
      const range = { afterCommit: done, throughCommit: query.throughCommit };
      const { source } = query;
      const wanted = source === undefined ? range : { ...range, source };
      const manifest = places.files.readManifest(wanted);
      try {
        if (done < manifest.archivedCommit) {
          for await (const batch of archived(session, places, manifest, query, range)) {
            done = batch.commit;
            if (isDue(batch)) yield batch;
          }
          done = Math.min(manifest.archivedCommit, query.throughCommit);
        } else {
          for (const batch of places.log.read(done, places.schemaOf, query.throughCommit)) {
            if (batch.commit !== done + 1 || batch.commit > query.throughCommit) break;
            done = batch.commit;
            if (isDue(batch)) yield batch;
          }
        }
      } catch (error) {
        refuseLost(error, manifest, places.files);
      }
      retries = done > before ? 0 : retries + 1;
      if (retries > LIMITS.historyRetries) throw lacking(done + 1, query.throughCommit);
    }
  } finally {
    session.close();
  }
}

/** Of a wanted source that is known, and not before the first commit with an event late enough. */
function skipEarly(
  places: HistoryPlaces,
  { source, fromArrivalMs = 0 }: BatchQuery,
): (batch: EventBatch) => boolean {
  let hasBegun = false;
  return (batch) => {
    if (source !== undefined && batch.source !== source) return false;
    if (places.schemaOf(batch.source) === undefined) return false;
    hasBegun ||= batch.arrivalTimeMs.some((arrivalMs) => arrivalMs >= fromArrivalMs);
    return hasBegun;
  };
}

/** A file that the archive has replaced meanwhile is no failure; one that it still names is. */
function refuseLost(error: unknown, manifest: ArchiveManifest, files: ArchiveFiles): void {
  if (!(error instanceof AsofError) || error.code !== 'file_not_found') throw error;
  if (files.readManifest({ throughCommit: 0 }).revision !== manifest.revision) return;
  throw new AsofError('corrupt_archive', `The archive lacks a file: ${error.message}`, {
    cause: error,
  });
}

function lacking(commit: number, throughCommit: number): AsofError {
  return new AsofError(
    'corrupt_log',
    `Neither the archive nor the log has commit ${commit}, of ${throughCommit}.`,
  );
}

/** Archived batches of the wanted sources, merged by commit. */
async function* archived(
  session: DuckDbSession,
  places: HistoryPlaces,
  manifest: ArchiveManifest,
  query: BoundQuery,
  range: RowRange,
): Batches {
  const wanted = query.source === undefined ? Object.keys(manifest.sources) : [query.source];
  const sources = wanted.flatMap((source) => places.schemaOf(source) ?? []);
  const afterCommit = firstLateCommit(manifest, sources, range, query.fromArrivalMs ?? 0) - 1;
  const later = { ...range, afterCommit: Math.max(range.afterCommit, afterCommit) };
  const sessions: DuckDbSession[] = [];
  try {
    const streams: Batches[] = [];
    for (const source of sources) {
      const own = await session.connect();
      sessions.push(own);
      streams.push(archivedOf(own, places, manifest, source, later));
    }
    yield* mergeByCommit(streams);
  } finally {
    for (const own of sessions) own.close();
  }
}

/** No commit before this one has an archived event that arrived at `fromArrivalMs` or later. */
function firstLateCommit(
  manifest: ArchiveManifest,
  sources: readonly SourceSchema[],
  range: RowRange,
  fromArrivalMs: number,
): number {
  const late = sources
    .flatMap((source) => filesWithin(manifest, source.name, range))
    .filter((file) => file.maxArrivalTimeMs >= fromArrivalMs);
  return late.reduce((least, file) => Math.min(least, file.first.commit), range.throughCommit + 1);
}

/** Archived batches of one source; runs of files one after the other. */
async function* archivedOf(
  session: DuckDbSession,
  places: HistoryPlaces,
  manifest: ArchiveManifest,
  source: SourceSchema,
  range: RowRange,
): Batches {
  const { name } = source;
  const files = filesWithin(manifest, name, range);
  if (files.length === 0) return;
  const relation = relationOf(source);
  const assembler = new BatchAssembler(name, relation, files.some(isThinned));
  const narrow = ['__partition', ...(relation.weighted ? NARROW_RETRACTIONS : [])];
  const wide = narrow.map((column) => `${column}::BIGINT AS ${column}`).join(', ');
  for (const group of readableGroups(files)) {
    const rows = selectFiles(name, manifest, group, relation, (path) => places.files.real(path));
    const order = orderedRuns(group).length === group.length ? '' : 'ORDER BY __commit, __offset';
    const sql = `SELECT * REPLACE (${wide}) FROM (${rows})
      WHERE __commit > ${range.afterCommit} AND __commit <= ${range.throughCommit} ${order}`;
    for await (const chunk of session.chunks(sql)) yield* assembler.push(chunk);
  }
  yield* assembler.finish();
}

function isThinned({ thinned = false }: ArchiveFile): boolean {
  return thinned;
}

const GROUP_FILES = 64;
const NARROW_RETRACTIONS = ['__weight', '__origin_partition'];

/**
 * What one query can read: a run that must be sorted, or many files of one schema that need not
 * be, which DuckDB reads in the order in which they are listed.
 */
function readableGroups(files: readonly ArchiveFile[]): ArchiveFile[][] {
  const groups: ArchiveFile[][] = [];
  let isOpen = false;
  for (const run of orderedRuns(files)) {
    const [first] = run;
    const group = groups.at(-1);
    const isSingle = run.length === 1;
    const fits = group !== undefined && group.length < GROUP_FILES;
    if (isSingle && isOpen && fits && sameForm(group[0], first)) group.push(...run);
    else groups.push(run);
    isOpen = isSingle;
  }
  return groups;
}

function sameForm(a: ArchiveFile | undefined, b: ArchiveFile | undefined): boolean {
  return a !== undefined && b !== undefined && formOf(a) === formOf(b);
}

async function* mergeByCommit(streams: readonly Batches[]): Batches {
  const heads: { stream: Batches; batch: EventBatch }[] = [];
  const advance = async (stream: Batches): Promise<void> => {
    const next = await stream.next();
    if (next.done !== true) heads.push({ stream, batch: next.value });
  };
  try {
    for (const stream of streams) await advance(stream);
    while (heads.length > 0) {
      heads.sort((a, b) => b.batch.commit - a.batch.commit);
      const head = heads.pop();
      if (head === undefined) return;
      yield head.batch;
      await advance(head.stream);
    }
  } finally {
    for (const stream of streams) await stream.return();
  }
}
