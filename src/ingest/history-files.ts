import {
  type ArchiveFile,
  type ArchiveManifest,
  checkedColumns,
  comparePositions,
} from './archive-manifest.ts';
import { type ArchivedColumn, readParquet, relationSelect } from './archive-relation.ts';

/** Which rows of a source a reader wants. */
export interface RowRange {
  readonly afterCommit: number;
  readonly throughCommit: number;
}

/** The files of a source that can hold rows of a range, in order. */
export function filesWithin(
  manifest: ArchiveManifest,
  source: string,
  { afterCommit, throughCommit }: RowRange,
): readonly ArchiveFile[] {
  return (manifest.sources[source] ?? []).filter(
    (file) => file.last.commit > afterCommit && file.first.commit <= throughCommit,
  );
}

/**
 * Cuts a list of files, ordered by their first rows, into runs: no row of a run comes before a row
 * of an earlier one, so runs can be read one after the other. A run of several files has rows
 * that interleave (events that arrived on two dates by turns) and must be sorted.
 */
export function orderedRuns(files: readonly ArchiveFile[]): ArchiveFile[][] {
  const runs: ArchiveFile[][] = [];
  let last = { commit: 0, offset: -1 };
  for (const file of files) {
    const run = runs.at(-1);
    if (run !== undefined && comparePositions(file.first, last) < 0) run.push(file);
    else runs.push([file]);
    if (comparePositions(file.last, last) > 0) last = file.last;
  }
  return runs;
}

/** A query of the offline relation over files, each read with the columns that it has. */
export function selectFiles(
  source: string,
  manifest: ArchiveManifest,
  files: readonly ArchiveFile[],
  columns: readonly ArchivedColumn[],
  realPath: (path: string) => string,
): string {
  const bySchema = Map.groupBy(files, (file) => file.schema);
  const parts = [...bySchema].map(([schema, group]) => {
    const available = checkedColumns(source, manifest.schemas[schema] ?? [], columns);
    const paths = group.map((file) => realPath(file.path));
    return `SELECT ${relationSelect(columns, available)} FROM ${readParquet(paths)}`;
  });
  return parts.join('\nUNION ALL\n');
}
