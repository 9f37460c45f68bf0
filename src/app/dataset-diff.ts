import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ComparedRows, compareRows } from '../batch/gates/compare-rows.ts';
import { readParquet } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { createSpillFolder } from '../ingest/spill-folder.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import type { ColumnStatistics } from '../schema/column-statistics.ts';
import type { Config } from './config.ts';
import { buildAgain, findDataset, type RebuildOptions } from './dataset-rebuild.ts';
import { duckDbOptions } from './duckdb-options.ts';

export interface DatasetName {
  readonly name: string;
  /** The newest if null. */
  readonly number: number | null;
}

export interface Difference {
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface DatasetDiff {
  readonly before: DatasetManifest;
  readonly after: DatasetManifest;
  readonly definitions: readonly Difference[];
  readonly position: readonly Difference[];
  readonly options: readonly Difference[];
  /** Rows by join keys and time; null where the two have no keys in common. */
  readonly rows: ComparedRows | null;
  /** Columns of either, side by side. */
  readonly columns: readonly {
    readonly name: string;
    readonly before: ColumnStatistics | null;
    readonly after: ColumnStatistics | null;
  }[];
}

/**
 * What differs between two datasets: what they were made from, and what came out. The rows are
 * compared as they are built again, whatever has become of the files.
 * @throws AsofError `unknown_name`, `dataset_unavailable`
 */
export async function diffDatasets(
  config: Config,
  a: DatasetName,
  b: DatasetName,
  options: RebuildOptions = {},
): Promise<DatasetDiff> {
  const first = await findDataset(config, a.name, a.number);
  const second = await findDataset(config, b.name, b.number);
  const [before, after] = [first.dataset, second.dataset];
  return {
    before,
    after,
    definitions: differences(before.hashes, after.hashes),
    position: differences(flat(positionOf(before)), flat(positionOf(after))),
    options: differences(flat({ ...before.options }), flat({ ...after.options })),
    rows: await compared(config, first, second, options),
    columns: sideBySide(before.columns, after.columns),
  };
}

type Found = Awaited<ReturnType<typeof findDataset>>;

async function compared(
  config: Config,
  before: Found,
  after: Found,
  options: RebuildOptions,
): Promise<ComparedRows | null> {
  const keys = commonKeys(before, after);
  if (keys === null) return null;
  const folder = createSpillFolder(join(config.dataDir, 'spill'));
  const files = { before: join(folder, 'before.parquet'), after: join(folder, 'after.parquet') };
  const session = await DuckDbSession.open(duckDbOptions(config));
  try {
    for (const side of ['before', 'after'] as const) {
      const { dataset, plan } = side === 'before' ? before : after;
      // Whole lines of text have no columns that could be compared: their typed cells do.
      const shownAs = dataset.spine.kept === 'lines' ? null : dataset.spine.kept;
      await buildAgain(config, dataset, plan, files[side], options, shownAs);
    }
    const [olds, news] = [readParquet([files.before]), readParquet([files.after])];
    const columns = await commonColumns(session, olds, news);
    const values = columns.filter((name) => !keys.includes(name));
    return await compareRows(session, olds, news, keys, values);
  } finally {
    session.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Join keys and time, where both have them under the same names. */
function commonKeys({ dataset: a, plan }: Found, { dataset: b, plan: planB }: Found) {
  const keysOf = (manifest: DatasetManifest, of: Found['plan']): string[] => {
    const { name, version } = manifest.service;
    const service = of.services.find((one) => one.name === name && one.version === version);
    const keys = service?.joinKeys.map((key) => key.name) ?? [];
    return [...new Set([...keys, manifest.spine.timeColumn])];
  };
  const [before, after] = [keysOf(a, plan), keysOf(b, planB)];
  const isSame = before.length === after.length && before.every((key) => after.includes(key));
  return isSame ? before : null;
}

async function commonColumns(
  session: DuckDbSession,
  before: string,
  after: string,
): Promise<string[]> {
  const namesOf = async (relation: string): Promise<string[]> =>
    (await session.rows(`DESCRIBE SELECT * FROM ${relation}`)).map((row) => String(row[0]));
  const known = new Set(await namesOf(after));
  return (await namesOf(before)).filter((name) => known.has(name));
}

function positionOf({ position, generation, spine, code, createdMs, rows }: DatasetManifest) {
  return {
    commit: position.commit,
    generation,
    spine: `${spine.kind} ${spine.origin}`,
    'spine rows': spine.rows,
    rows,
    asof: code.asof,
    duckdb: code.duckdb,
    created: new Date(createdMs).toISOString(),
  };
}

function flat(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function differences(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Difference[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((what) => before[what] !== after[what])
    .map((what) => ({ what, before: before[what] ?? null, after: after[what] ?? null }));
}

function sideBySide(
  before: readonly ColumnStatistics[],
  after: readonly ColumnStatistics[],
): DatasetDiff['columns'] {
  const names = new Set([...before, ...after].map((column) => column.name));
  return [...names].map((name) => ({
    name,
    before: before.find((column) => column.name === name) ?? null,
    after: after.find((column) => column.name === name) ?? null,
  }));
}
