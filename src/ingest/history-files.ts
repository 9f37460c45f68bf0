import {
  type ArchiveFile,
  type ArchiveManifest,
  checkedColumns,
  comparePositions,
} from './archive-manifest.ts';
import { type Relation, readParquet, relationSelect } from './archive-relation.ts';

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

/** Files of one form have the same columns. */
export function formOf(file: ArchiveFile): string {
  return file.weighted === true ? `${file.schema} weighted` : file.schema;
}

/** A query of the offline relation over files, each read with the columns that it has. */
export function selectFiles(
  source: string,
  manifest: ArchiveManifest,
  files: readonly ArchiveFile[],
  relation: Relation,
  realPath: (path: string) => string,
): string {
  const parts = [...Map.groupBy(files, formOf).values()].map((group) => {
    const { schema = '', weighted = false } = group[0] ?? {};
    const columns = checkedColumns(source, manifest.schemas[schema] ?? [], relation.columns);
    const available = { columns, weighted };
    const paths = group.map((file) => realPath(file.path));
    return `SELECT ${relationSelect(relation, available)} FROM ${readParquet(paths)}`;
  });
  return parts.join('\nUNION ALL\n');
}
