import { LIMITS } from '../base/limits.ts';
import type { ArchiveFile } from './archive-manifest.ts';
import { formOf } from './history-files.ts';

/** Which files to merge: `all` that can be, or, of days that go on, only what pays. */
export interface MergePolicy {
  readonly all: boolean;
  /** Files of this arrival date and later ones may be followed by more. UTC, YYYY-MM-DD. */
  readonly openFrom: string;
  /** Rows that are written at most; at least one group is. */
  readonly rowsMax: number;
}

/** So many files of one size are merged into one of the next size. */
const FAN_IN = 8;

/**
 * Groups of files of one date and form, each of which becomes one file. Of a date that is over all
 * small files are merged; of one that goes on only when there are several of one size, so that a
 * row is written again a few times at most, however often files are added.
 */
export function mergeGroups(files: readonly ArchiveFile[], policy: MergePolicy): ArchiveFile[][] {
  const groups: ArchiveFile[][] = [];
  const byDate = Map.groupBy(files, (file) => `${file.arrivalDate} ${formOf(file)}`);
  for (const ofDate of byDate.values()) {
    const date = ofDate[0]?.arrivalDate ?? '';
    const isOver = policy.all || date < policy.openFrom;
    groups.push(...(isOver ? fullGroups(ofDate) : tieredGroups(ofDate)));
  }
  return withinRows(groups, policy.rowsMax);
}

/** As many together as a file may have rows. */
function fullGroups(files: readonly ArchiveFile[]): ArchiveFile[][] {
  const groups: ArchiveFile[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const file of files) {
    rows += file.rows;
    if (rows > LIMITS.archiveFileRows) {
      groups.push([file]);
      rows = file.rows;
    } else groups.at(-1)?.push(file);
  }
  return groups.filter((group) => group.length > 1);
}

/** Neighbours of one size, as soon as there are enough of them. */
function tieredGroups(files: readonly ArchiveFile[]): ArchiveFile[][] {
  const runs: ArchiveFile[][] = [];
  let tier = Number.NaN;
  for (const file of files) {
    const own = tierOf(file.rows);
    if (own === tier) runs.at(-1)?.push(file);
    else runs.push([file]);
    tier = own;
  }
  return runs.filter((run) => run.length >= FAN_IN).flatMap(fullGroups);
}

function tierOf(rows: number): number {
  return Math.ceil(Math.log(Math.max(1, rows)) / Math.log(FAN_IN));
}

/** The oldest first, so that what is left is next. */
function withinRows(groups: readonly ArchiveFile[][], rowsMax: number): ArchiveFile[][] {
  const chosen: ArchiveFile[][] = [];
  let rows = 0;
  for (const group of groups) {
    rows += group.reduce((sum, file) => sum + file.rows, 0);
    if (chosen.length > 0 && rows > rowsMax) break;
    chosen.push(group);
  }
  return chosen;
}
