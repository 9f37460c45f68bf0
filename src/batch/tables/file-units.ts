import { createHash } from 'node:crypto';
import { type Dirent, globSync, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { hivePartition } from './hive.ts';
import { isRemote, type RemoteFiles } from './remote-files.ts';
import type { FilesFrom, UpstreamFile } from './upstream-file.ts';

/** What is read at a time, and as long as its print stays, not at all. */
export interface FileUnit {
  readonly name: string;
  readonly files: readonly UpstreamFile[];
  readonly print: string;
}

export interface FileUnitsOptions {
  readonly root: string;
  readonly from: FilesFrom;
  /** A hive column whose value is the unit; null: all of them together, or each file. */
  readonly unitBy: string | null;
  readonly remote: RemoteFiles;
}

const IGNORED = /^[._]|\.(tmp|part|partial|crdownload|swp)$|~$/;
const ENDINGS: Readonly<Record<FilesFrom['format'], RegExp>> = {
  parquet: /\.(parquet|pq)$/i,
  csv: /\.(csv|tsv|txt)(\.gz)?$/i,
  ndjson: /\.(ndjson|jsonl|json)(\.gz)?$/i,
};

/**
 * The units of a table of files, by name, without opening one. Names that begin with `.` or `_` or
 * end as unfinished files do are never taken.
 * @throws AsofError `upstream_schema` for a file outside the declared hive folders
 */
export async function listFileUnits(options: FileUnitsOptions): Promise<FileUnit[]> {
  const { from, unitBy } = options;
  const files = await listFiles(options);
  const unitOf = (file: UpstreamFile): string => {
    if (from.hive.length === 0) return file.name;
    const columns = unitBy !== null && from.hive.includes(unitBy) ? [unitBy] : from.hive;
    return columns.map((name) => `${name}=${file.hive.get(name) ?? ''}`).join('/');
  };
  return [...Map.groupBy(files, unitOf)]
    .map(([name, ofUnit]) => ({ name, files: ofUnit, print: printOf(ofUnit) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function printOf(files: readonly UpstreamFile[]): string {
  const hash = createHash('sha256');
  for (const { name, print } of files) hash.update(`${name}\n${print}\n`);
  return hash.digest('hex').slice(0, 32);
}

/** A file as it is now; null where it is not there any more. */
export function lookAgain(file: UpstreamFile): UpstreamFile | null {
  const now = statSync(file.path, { throwIfNoEntry: false, bigint: true });
  return now === undefined ? null : { ...file, ...stamp(now) };
}

async function listFiles(options: FileUnitsOptions): Promise<UpstreamFile[]> {
  const { from, root, remote } = options;
  const found = new Map<string, UpstreamFile>();
  for (const path of from.paths) {
    const listed = isRemote(path) ? await remote.list(path, from) : localFiles(path, root, from);
    for (const file of listed) found.set(file.name, file);
    if (found.size <= LIMITS.tableFiles) continue;
    throw new AsofError('unreadable_file', `More than ${LIMITS.tableFiles} files match '${path}'.`);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function localFiles(path: string, root: string, from: FilesFrom): UpstreamFile[] {
  return localPaths(resolve(root, path), from.format).flatMap((real) => {
    const below = relative(root, real);
    const outside = below.startsWith('..') || isAbsolute(below);
    const name = (outside ? real : below).split(sep).join('/');
    const now = statSync(real, { throwIfNoEntry: false, bigint: true });
    if (now === undefined || !now.isFile()) return [];
    return [{ name, path: real, hive: hivePartition(name, from.hive), ...stamp(now) }];
  });
}

function localPaths(path: string, format: FilesFrom['format']): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return [path];
  if (found?.isDirectory() === true) return below(path, format);
  const taken = globSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? below(join(entry.parentPath, entry.name), format)
      : IGNORED.test(entry.name)
        ? []
        : [join(entry.parentPath, entry.name)],
  );
  return taken;
}

function below(folder: string, format: FilesFrom['format']): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry: Dirent) => {
    if (IGNORED.test(entry.name) && !/^__HIVE/.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return below(path, format);
    return ENDINGS[format].test(entry.name) ? [path] : [];
  });
}

function stamp(now: {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly mtimeMs: bigint;
}): Pick<UpstreamFile, 'print' | 'changedMs'> {
  // A copy that keeps size and time of change still has a time of its own.
  const print = `${now.size}:${now.mtimeNs}:${now.ctimeNs}`;
  return { print, changedMs: Number(now.mtimeMs) };
}
