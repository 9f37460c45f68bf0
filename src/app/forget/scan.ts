import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ByteWriter } from '../../base/bytes.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import { readParquet, sqlName, sqlString } from '../../ingest/archive-relation.ts';
import { cellOf } from '../../ingest/cell-columns.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { segmentLog } from '../../ingest/history-log.ts';
import { SchemaBook } from '../../ingest/schema-book.ts';
import { encodeKey } from '../../schema/key.ts';
import { atCopy, isDatabase } from './database-copy.ts';
import { FORGET_FOLDER } from './job.ts';
import { type Needle, Needles } from './needles.ts';
import type { GoneKeys } from './stored-keys.ts';
import type { Subject } from './subjects.ts';
import { LONG_KEY } from './words.ts';

export interface ScanReport {
  readonly files: number;
  readonly bytes: number;
  /** Paths within the data directory that still hold a key; never the key. */
  readonly hits: readonly string[];
  /** Files that could not be read to their end. */
  readonly unread: readonly string[];
}

export interface ScanTask {
  readonly dataDir: string;
  readonly session: DuckDbSession;
  readonly subjects: readonly Subject[];
  readonly gone: readonly GoneKeys[];
  /** Rows of events that happened since then are of somebody who came back; null: none may. */
  readonly sinceMs: number | null;
  readonly onFile?: (done: number, of: number) => void;
}

const NUMBER = /^-?\d+$/;

/**
 * Looks through every file of the data directory for what is to be gone: Parquet by reading back
 * every text column and the columns of keys, all else by the bytes of the keys as they are stored.
 */
export async function scanFiles(task: ScanTask): Promise<ScanReport> {
  const paths = [...filesBelow(task.dataDir)];
  const needles = needlesOf(task);
  await loadNeedles(task);
  const logHit = inLog(task);
  const report = { files: 0, bytes: 0, hits: [] as string[], unread: [] as string[] };
  for (const [at, path] of paths.entries()) {
    const shown = relative(task.dataDir, path);
    try {
      const size = statSync(path).size;
      const isParquet = /\.parquet(\.unfinished)?$/.test(path);
      const isLog = shown.startsWith('log/') && shown.endsWith('.seg');
      const hit = isParquet
        ? size > 0 && (await inParquet(task, path))
        : isLog
          ? logHit
          : isDatabase(path)
            ? await atCopy(task.dataDir, path, (copy) => inBytes(copy, needles))
            : inBytes(path, needles);
      report.files += 1;
      report.bytes += size;
      if (hit) report.hits.push(shown);
    } catch {
      if (statSync(path, { throwIfNoEntry: false }) !== undefined) report.unread.push(shown);
    }
    task.onFile?.(at + 1, paths.length);
  }
  return report;
}

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // The job itself holds the keys until it is over.
    if (entry.isDirectory() && /^f-/.test(entry.name) && folder.endsWith(FORGET_FOLDER)) continue;
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

function needlesOf({ subjects, gone }: ScanTask): Needles {
  const keys = [...subjects.map(({ values }) => values), ...gone.flatMap((one) => one.keys)];
  const texts = new Set(
    keys.map((parts) => (parts.length === 1 ? parts[0] : encodeKey(parts)) ?? ''),
  );
  const each = [...texts].flatMap((text): Needle[] => {
    const quoted = JSON.stringify(text);
    const alone = text.length < LONG_KEY ? [quoted] : [text, quoted.slice(1, -1)];
    const record = new ByteWriter();
    record.string(text);
    const wide =
      text.length < LONG_KEY ? [] : [Buffer.from(text, 'utf16le'), Buffer.from(text, 'latin1')];
    return [
      ...[...alone.map((one) => Buffer.from(one)), ...wide].map((bytes) => {
        return { bytes, isPrefixed: false };
      }),
      ...(text.length < LONG_KEY ? [] : [{ bytes: Buffer.from(record.bytes()), isPrefixed: true }]),
    ];
  });
  return new Needles(each);
}

const BLOCK_BYTES = 4 << 20;

/** A block at a time; what may go on in the next one is looked at again with it. */
function inBytes(path: string, needles: Needles): boolean {
  const overlap = 2 + needles.longest;
  const block = Buffer.alloc(BLOCK_BYTES + overlap);
  const file = openSync(path, 'r');
  try {
    let held = 0;
    for (;;) {
      const size = readSync(file, block, held, BLOCK_BYTES, null);
      const bytes = block.subarray(0, held + size);
      if (needles.isIn(bytes)) return true;
      if (size === 0) return false;
      held = Math.min(overlap, bytes.length);
      block.copyWithin(0, bytes.length - held, bytes.length);
    }
  } finally {
    closeSync(file);
  }
}

/** Events that are only in the log, read as everybody reads them. */
function inLog({ dataDir, gone, sinceMs }: ScanTask): boolean {
  const book = new SchemaBook(new NodeDisk(dataDir));
  const schemas = new Map(book.all().map((schema) => [schema.name, schema]));
  const log = segmentLog(new NodeDisk(dataDir));
  const places = gone.map(({ place, keys }) => {
    return { place, known: new Set(keys.map((key) => JSON.stringify(key))) };
  });
  for (const batch of log.read(0, (source) => schemas.get(source))) {
    const columns = schemas.get(batch.source)?.columns.map(({ name }) => name) ?? [];
    for (const { place, known } of places) {
      if (place.source !== batch.source) continue;
      const own = place.columns.flatMap((name) => batch.columns[columns.indexOf(name)] ?? []);
      if (own.length < place.columns.length) continue;
      for (let row = 0; row < batch.count; row++) {
        if (sinceMs !== null && (batch.eventTimeMs[row] ?? 0) >= sinceMs) continue;
        const key = own.map((column) => String(cellOf(column, row) ?? ''));
        if (known.has(JSON.stringify(key))) return true;
      }
    }
  }
  return false;
}

const TEXTS = '__scan_texts';

async function loadNeedles({ session, subjects, gone }: ScanTask): Promise<void> {
  await session.run(`CREATE OR REPLACE TEMP TABLE ${TEXTS} (t VARCHAR)`);
  const keys = [...subjects.map(({ values }) => values), ...gone.flatMap((one) => one.keys)];
  const texts = [...new Set(keys.filter((key) => key.length === 1).map(([key]) => key ?? ''))];
  for (let from = 0; from < texts.length; from += 1_000) {
    const values = texts.slice(from, from + 1_000).map((text) => `(${sqlString(text)})`);
    await session.run(`INSERT INTO ${TEXTS} VALUES ${values.join(', ')}`);
  }
}

async function inParquet(task: ScanTask, path: string): Promise<boolean> {
  const { session, dataDir } = task;
  const file = readParquet([path]);
  const described = await session.rows(`DESCRIBE SELECT * FROM ${file}`);
  const columns = described.map(([name, type]) => ({ name: String(name), type: String(type) }));
  const source = /^archive\/([^/]+)\//.exec(relative(dataDir, path))?.[1] ?? null;
  const conditions = [
    ...columns.flatMap(({ name, type }) => textCondition(name, type, task)),
    ...placeConditions(task, source, new Set(columns.map(({ name }) => name))),
  ];
  if (conditions.length === 0) return false;
  const isEvents = columns.some(({ name }) => name === '__event_time');
  const past = isEvents && task.sinceMs !== null ? `__event_time < ${task.sinceMs} AND ` : '';
  const [[found = 0] = []] = await session.rows(
    `SELECT count(*) FROM (SELECT 1 FROM ${file} WHERE ${past}(${conditions.join(' OR ')}) LIMIT 1)`,
  );
  return Number(found) > 0;
}

/** Numbers that are keys are numbers of everything else as well: only places tell them apart. */
function textCondition(name: string, type: string, { subjects }: ScanTask): string[] {
  const texts = subjects.some(({ values: [only = ''] }) => !NUMBER.test(only));
  const column = sqlName(name);
  const known = `(SELECT t FROM ${TEXTS})`;
  if (type === 'VARCHAR') return [`${column} IN ${known}`];
  if (!texts || !/VARCHAR/.test(type)) return [];
  return [`EXISTS (FROM ${TEXTS} WHERE contains(to_json(${column})::VARCHAR, '"' || t || '"'))`];
}

/** The columns that hold keys: of an archive those of its source, of all else those of any. */
function placeConditions(
  { gone, subjects }: ScanTask,
  source: string | null,
  available: ReadonlySet<string>,
): string[] {
  return gone
    .filter(({ place }) => source === null || place.source === source)
    .filter(({ place }) => place.columns.every((column) => available.has(column)))
    .map(({ place, keys }) => {
      const own = subjects.filter(({ entity }) => entity === place.entity);
      const known = [...keys, ...own.map(({ values }) => values)].map((key) => JSON.stringify(key));
      const parts = place.columns.map((column) => `${sqlName(column)}::VARCHAR`);
      const all = [...new Set(known)].map(sqlString).join(', ');
      return `to_json([${parts.join(', ')}])::VARCHAR IN (${all})`;
    });
}
