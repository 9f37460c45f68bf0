import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import { fileChecksum } from '../../batch/datasets/content.ts';
import { type GoneRowNumbers, withoutRows } from '../../batch/datasets/without-rows.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { DatasetManifest } from '../../registry/dataset-manifest.ts';
import type { GoneKeys } from './stored-keys.ts';
import type { Subject } from './subjects.ts';

/** What one training set had of the person, and what became of its files. */
export interface ErasedDataset {
  readonly name: string;
  readonly number: number;
  readonly rows: number;
  /** Values of other rows may have come from what is no more. */
  readonly builtOn: boolean;
  readonly bytesRewritten: number;
  /** The file that was written then, where it is not there any more or is another one. */
  readonly notReached: string | null;
}

export interface DatasetTask {
  readonly dataDir: string;
  readonly session: DuckDbSession;
  readonly subjects: readonly Subject[];
  readonly gone: readonly GoneKeys[];
}

/** What is to become of a training set's files: noted before the first of them is replaced. */
interface Rewriting {
  readonly rows: number;
  readonly spine: NewFile;
  /** Null where the file that was written then is not there, or is another one. */
  readonly output: NewFile | null;
}

interface NewFile {
  readonly sha256: string;
  readonly bytes: number;
}

/** Where a step that can be cut short keeps how far it is. */
export interface StepNotes {
  found(step: string): unknown;
  note(step: string, found: unknown): void;
}

/**
 * Takes the rows of the person out of a training set: of its kept spine, and of the file that was
 * written then, if it is still that file. Answers the manifest of what is left; null: nothing went.
 */
export async function eraseDataset(
  task: DatasetTask,
  manifest: DatasetManifest,
  plan: ProjectPlan,
  builtOn: boolean,
  notes: StepNotes,
): Promise<{ readonly erased: ErasedDataset; readonly manifest: DatasetManifest } | null> {
  const { name, number, output } = manifest;
  const step = `dataset ${name}@${number}`;
  const known = notes.found(step);
  const rewriting = isRewriting(known) ? known : await prepare(task, manifest, plan);
  const base = { name, number, builtOn };
  if (rewriting === null) {
    if (!builtOn) return null;
    const erased = { ...base, rows: 0, bytesRewritten: 0, notReached: null };
    return { erased, manifest };
  }
  if (known === undefined) notes.note(step, rewriting);
  const { rows } = rewriting;
  await putInPlace(join(task.dataDir, manifest.spine.path), '.parquet', rewriting.spine);
  const isReached =
    rewriting.output !== null &&
    (await putInPlace(output.path, manifest.options.format, rewriting.output));
  const keyNames = new Set(keyColumns(manifest, plan, task).flat());
  return {
    erased: {
      ...{ ...base, rows, notReached: isReached ? null : output.path },
      bytesRewritten: rewriting.spine.bytes + (rewriting.output?.bytes ?? 0),
    },
    manifest: {
      ...manifest,
      rows: manifest.rows - rows,
      spine: {
        ...manifest.spine,
        rows: manifest.spine.rows - rows,
        sha256: rewriting.spine.sha256,
      },
      output: { ...output, ...rewriting.output },
      // Of all rows, those of the person among them: what it says is true of nothing any more.
      contentChecksum: '',
      columns: manifest.columns.map((one) =>
        keyNames.has(one.name) ? { ...one, numbers: null } : one,
      ),
    },
  };
}

/** Writes the new files beside the old ones; null where there is no row to take out. */
async function prepare(
  task: DatasetTask,
  manifest: DatasetManifest,
  plan: ProjectPlan,
): Promise<Rewriting | null> {
  const { output, options } = manifest;
  const spinePath = join(task.dataDir, manifest.spine.path);
  if (!existsSync(spinePath)) return null;
  const numbers = await goneNumbers(task, manifest, plan, spinePath);
  if (numbers.size === 0) return null;
  const isOurs =
    existsSync(output.path) && (await fileChecksum(output.path)).sha256 === output.sha256;
  return {
    rows: numbers.size,
    spine: await writeAside(task.session, spinePath, '.parquet', numbers),
    output: isOurs ? await writeAside(task.session, output.path, options.format, numbers) : null,
  };
}

function isRewriting(value: unknown): value is Rewriting {
  return typeof value === 'object' && value !== null && 'rows' in value && 'spine' in value;
}

/** How many rows of a training set are the person's; nothing is changed. */
export async function countDatasetRows(
  task: DatasetTask,
  manifest: DatasetManifest,
  plan: ProjectPlan,
): Promise<number> {
  const path = join(task.dataDir, manifest.spine.path);
  return existsSync(path) ? (await goneNumbers(task, manifest, plan, path)).size : 0;
}

/** Lists of spine columns that hold a key together: join keys, and columns of an event spine. */
function keyColumns(
  manifest: DatasetManifest,
  plan: ProjectPlan,
  { gone, subjects }: DatasetTask,
): string[][] {
  const names = new Set(manifest.spine.columns.map(({ name }) => name));
  const entities = new Set(subjects.map(({ entity }) => entity));
  const found = plan.entities
    .filter(({ name }) => entities.has(name))
    .map(({ joinKeys }) => joinKeys.map(({ name }) => name));
  const definition = plan.datasets.find(
    (one) => one.name === manifest.definition?.name && one.version === manifest.definition.version,
  );
  if (definition?.spine.kind === 'events') {
    const { source, columns } = definition.spine;
    for (const { place } of gone) {
      if (place.source !== source) continue;
      found.push(
        place.columns.flatMap((column) => {
          const shown = Object.entries(columns).find(([, from]) => from === column);
          return shown === undefined ? [] : [shown[0]];
        }),
      );
    }
  }
  return found.filter((list) => list.length > 0 && list.every((name) => names.has(name)));
}

async function goneNumbers(
  task: DatasetTask,
  manifest: DatasetManifest,
  plan: ProjectPlan,
  path: string,
): Promise<Set<number>> {
  const lists = keyColumns(manifest, plan, task);
  if (lists.length === 0) return new Set();
  await loadTexts(task);
  const at = (name: string): number => manifest.spine.columns.findIndex((one) => one.name === name);
  const columnOf = (name: string): string =>
    sqlName(manifest.spine.kept === 'lines' ? `v${at(name)}` : `c${at(name)}`);
  const available = new Set(manifest.spine.table.map(({ name }) => name));
  const service = plan.services.find(
    (one) => one.name === manifest.service.name && one.version === manifest.service.version,
  );
  // Join keys stand in the spine as they are looked up: as tokens, where they are tokenized.
  const joinKeys = service?.joinKeys.map(({ name }) => name) ?? [];
  const shown = (name: string): string[] => {
    const key = joinKeys.indexOf(name);
    const both = [columnOf(name).slice(1, -1), ...(key < 0 ? [] : [`j${key}`])];
    return both.filter((column) => available.has(column));
  };
  const conditions = lists.flatMap((list) =>
    combinations(list.map(shown)).map((columns) => {
      const parts = columns.map((column) => `${sqlName(column)}::VARCHAR`);
      return `to_json([${parts.join(', ')}])::VARCHAR IN (SELECT key FROM __gone_texts)`;
    }),
  );
  if (conditions.length === 0) return new Set();
  const rows = await task.session.rows(
    `SELECT file_row_number FROM
       read_parquet(${sqlString(path)}, file_row_number = true, hive_partitioning = false)
     WHERE ${conditions.join(' OR ')}`,
  );
  return new Set(rows.map(([number]) => Number(number)));
}

function combinations(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>(
    (found, list) => found.flatMap((before) => list.map((one) => [...before, one])),
    [[]],
  );
}

/** Keys as people know them, and as they are stored. */
async function loadTexts({ session, subjects, gone }: DatasetTask): Promise<void> {
  const texts = new Set(subjects.map(({ values }) => JSON.stringify(values)));
  for (const { keys } of gone) for (const key of keys) texts.add(JSON.stringify(key));
  await session.run('CREATE OR REPLACE TEMP TABLE __gone_texts (key VARCHAR)');
  const all = [...texts];
  for (let from = 0; from < all.length; from += 1_000) {
    const values = all.slice(from, from + 1_000).map((text) => `(${sqlString(text)})`);
    await session.run(`INSERT INTO __gone_texts VALUES ${values.join(', ')}`);
  }
}

function asideOf(path: string, format: string): string {
  return `${path}.forget${format}`;
}

/** A file without the rows, durable, under another name. */
async function writeAside(
  session: DuckDbSession,
  path: string,
  format: string,
  numbers: GoneRowNumbers,
): Promise<NewFile> {
  const aside = asideOf(path, format);
  try {
    await withoutRows(session, path, aside, format, numbers);
    const file = new NodeDisk(dirname(aside)).openAppend(basename(aside));
    try {
      await file.sync();
    } finally {
      file.close();
    }
  } catch (cause) {
    rmSync(aside, { force: true });
    if (cause instanceof AsofError) throw cause;
    throw new AsofError('disk_failed', `Cannot write ${path} anew: ${String(cause)}`, {
      path,
      cause,
    });
  }
  return fileChecksum(aside);
}

/** Puts it in the place of what was there. False: somebody has put something else there. */
async function putInPlace(path: string, format: string, file: NewFile): Promise<boolean> {
  const aside = asideOf(path, format);
  if (existsSync(aside)) {
    renameSync(aside, path);
    new NodeDisk(dirname(path)).syncFolder('.');
  }
  return existsSync(path) && (await fileChecksum(path)).sha256 === file.sha256;
}
