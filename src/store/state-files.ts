import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Turn } from '../base/pause.ts';
import type { StoredPosition } from './applied-position.ts';
import { type CheckpointMeta, corruptState, STATE_FORMAT } from './checkpoint-format.ts';
import { IndexFile, type LoadedIndex, loadIndexFile } from './index-file.ts';
import { INDEX_PARTS, RowIndex } from './row-index.ts';
import { ownerOf, type RowOwner, SavedRows } from './saved-rows.ts';
import { damagePath, fileNumbers, removeOld, removeQuietly, type Segment } from './segment.ts';
import { Segments } from './segments.ts';

export interface StateOptions {
  readonly disk: Disk;
  /** Within the disk; made if it is absent, rebuilt from archive and log if deleted. */
  readonly folder: string;
  readonly segmentBytes?: number;
}

const EMPTY: StoredPosition = { commit: 0, newestArrivalMs: 0, sources: {} };
/** An index this small is written whole at any time. */
const SMALL_INDEX_BYTES = 64 * 1024;

/**
 * The state on disk. Rows are appended to segments, whatever their keys, so saving costs what has
 * changed and not what there is; an index file says, checkpoint by checkpoint, where each one lies.
 * A checkpoint is its last frame: synced after the rows it names, so either all of it is there or
 * none. Everything that is read is checked.
 */
export class StateFiles {
  readonly segments: Segments;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #groups = new Map<string, SavedRows>();
  #meta: CheckpointMeta;
  /** Begun at once: whoever wrote before finds a newer file, and stops. Null after a failure. */
  #file: IndexFile | null;
  /** Of the index file that is written, or will be: above all that were found. */
  #fileNumber: number;
  /** Of the parts at the head of the file. */
  #partBytes = 0;
  /** Whether the file has a commit, so that it stands for the state. */
  #isBegun = false;
  #nextGroup = 1;
  /** Groups of which checkpoints hold a part only. */
  building: ReadonlySet<string> = new Set();
  #isClean = false;
  /** Whether a commit has been begun, so that it may be on disk although it fails. */
  #isTold = false;
  /** Whether another engine has taken the state over. */
  #isLost = false;
  readonly tornBytes: number;

  private constructor({ disk, folder, segmentBytes }: StateOptions, loaded: LoadedIndex | null) {
    this.#disk = disk;
    this.#folder = folder;
    this.#meta = loaded?.meta ?? { format: STATE_FORMAT, position: EMPTY, groups: [] };
    this.tornBytes = loaded?.tornBytes ?? 0;
    this.#fileNumber = Math.max(0, ...fileNumbers(disk, folder, 'index-')) + 1;
    this.#file = new IndexFile(disk, `${folder}/index-${this.#fileNumber}`);
    this.segments = new Segments({
      disk,
      folder,
      segmentBytes: segmentBytes ?? LIMITS.stateSegmentBytes,
    });
    for (const segment of loaded?.segments ?? []) this.segments.restore(segment);
    for (const { id, number } of this.#meta.groups) {
      const index = loaded?.indexes.get(number) ?? new RowIndex();
      this.segments.countLive(index, 1);
      this.#groups.set(id, new SavedRows(number, index, this.segments));
      this.#nextGroup = Math.max(this.#nextGroup, number + 1);
    }
  }

  /**
   * Reads the newest whole index; no row is read.
   * @throws AsofError `corrupt_state`, `newer_format`
   */
  static open(options: StateOptions): StateFiles {
    const { disk, folder } = options;
    disk.makeFolder(folder);
    if (disk.exists(damagePath(folder))) {
      const what = new TextDecoder().decode(disk.read(damagePath(folder)));
      throw corruptState(`The saved state was found damaged: ${what}.`);
    }
    const numbers = fileNumbers(disk, folder, 'index-').sort((a, b) => b - a);
    for (const number of numbers) {
      const loaded = loadIndexFile(disk.read(`${folder}/index-${number}`));
      // The newest is not whole where its first checkpoint was cut short; then the last one holds.
      if (loaded !== null) return new StateFiles(options, loaded);
    }
    if (numbers.some((number) => disk.size(`${folder}/index-${number}`) > 0)) {
      throw corruptState('No checkpoint in the state is whole.');
    }
    removeOld(disk, folder);
    return new StateFiles(options, null);
  }

  /** Gives up everything that is saved; what a process that was killed here leaves is no state. */
  static wipe({ disk, folder }: StateOptions): void {
    disk.makeFolder(folder);
    for (const prefix of ['index-', 'rows-']) {
      for (const number of fileNumbers(disk, folder, prefix)) {
        disk.remove(`${folder}/${prefix}${number}`);
      }
      disk.syncFolder(folder);
    }
    if (disk.exists(damagePath(folder))) disk.remove(damagePath(folder));
  }

  /** What the last checkpoint says of itself. */
  get meta(): CheckpointMeta {
    return this.#meta;
  }

  /** Whether all rows of a group are there, as of the position. */
  has(group: string): boolean {
    const isPartial = this.#meta.groups.some(({ id, partial }) => id === group && partial);
    return this.#groups.has(group) && !isPartial;
  }

  /** Whether the last checkpoint was taken while groups were being built. */
  get isPartial(): boolean {
    return this.#meta.groups.some(({ partial }) => partial);
  }

  /** The saved rows of a group; of a new one there are none. */
  rowsOf(group: string): SavedRows {
    let rows = this.#groups.get(group);
    if (rows === undefined) {
      rows = new SavedRows(this.#nextGroup++, new RowIndex(), this.segments);
      this.#groups.set(group, rows);
    }
    return rows;
  }

  /** Gives up the rows of all other groups. */
  keepOnly(groups: readonly string[]): void {
    for (const [id, rows] of this.#groups) {
      if (groups.includes(id)) continue;
      this.segments.countLive(rows.index, -1);
      this.#groups.delete(id);
    }
  }

  /** The groups' own numbers stand in their rows. */
  groupOf(number: number): SavedRows | null {
    for (const rows of this.#groups.values()) if (rows.number === number) return rows;
    return null;
  }

  /**
   * Makes all that was saved the state as of a position, at once; after a failure comes `discard`.
   * @throws AsofError `directory_in_use` where somebody else has taken the state over
   */
  async commit(
    position: StoredPosition,
    owners: ReadonlyMap<string, RowOwner>,
    turn: Turn,
  ): Promise<{ indexBytes: number }> {
    await this.segments.sync();
    const file = await this.#indexFile(turn);
    const before = file.bytes;
    const removed = this.#deadSegments();
    const told = new Map<SavedRows, number>();
    const meta = { format: STATE_FORMAT, position, groups: this.#storedGroups() };
    this.#isTold = true;
    file.addCommit({
      meta,
      segments: this.#segmentsToTell(),
      removedSlots: removed.map(({ slot }) => slot),
      changes: [...this.#groups].map(([id, rows]) => {
        told.set(rows, rows.expiredWords);
        return { number: rows.number, words: rows.changes(ownerOf(owners, id)) };
      }),
    });
    await file.sync();
    const isFirst = !this.#isBegun;
    if (isFirst) this.#disk.syncFolder(this.#folder);
    this.#isBegun = true;
    this.#isTold = false;
    this.#meta = meta;
    this.segments.settle();
    for (const [id, rows] of this.#groups) rows.settle(ownerOf(owners, id), told.get(rows) ?? 0);
    this.#clean(removed, isFirst);
    return { indexBytes: file.bytes - before };
  }

  /** Nothing saved since the last commit will be known; the next one begins a new index file. */
  discard(owners: ReadonlyMap<string, RowOwner>): void {
    const isKept = this.#isLost || (this.#isBegun && this.#isTold);
    const index = this.#file === null || this.#isBegun ? null : this.#indexPath();
    const unsaved = this.#letGo(owners);
    this.#isClean = false;
    if (!isKept) this.#removeUnsaved(index, unsaved);
  }

  /** So that no attempt leaves a full disk fuller. What cannot be removed goes with a later commit. */
  #removeUnsaved(index: string | null, unsaved: readonly Segment[]): void {
    try {
      if (index !== null) {
        this.#disk.remove(index);
        // Before the rows: an index whose rows are gone would be damage.
        this.#disk.syncFolder(this.#folder);
      }
      this.segments.removeFiles(unsaved);
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
    }
  }

  close(): void {
    this.#letGo(new Map());
  }

  #letGo(owners: ReadonlyMap<string, RowOwner>): Segment[] {
    for (const [id, rows] of this.#groups) rows.discard(ownerOf(owners, id));
    const unsaved = this.segments.discard();
    this.#dropFile();
    this.#isTold = false;
    return unsaved;
  }

  /** Bytes of the files, and of the index in memory. */
  size(): { fileBytes: number; indexBytes: number } {
    const size = { fileBytes: 0, indexBytes: 0 };
    for (const segment of this.segments.all()) size.fileBytes += segment.bytes;
    for (const rows of this.#groups.values()) size.indexBytes += rows.index.bytes;
    return size;
  }

  /** The file to append to. A new one begins with every index as it is now. */
  async #indexFile(turn: Turn): Promise<IndexFile> {
    const newest = Math.max(0, ...fileNumbers(this.#disk, this.#folder, 'index-'));
    this.#isLost ||= newest > this.#fileNumber;
    if (this.#isLost) {
      throw new AsofError('directory_in_use', 'Another engine has taken the state over.');
    }
    // What is written again stays in proportion to what the commits have added.
    const added = (this.#file?.bytes ?? 0) - this.#partBytes;
    if (this.#isBegun && added > this.#partBytes / 2 + SMALL_INDEX_BYTES) this.#dropFile();
    if (this.#file !== null && this.#isBegun) return this.#file;
    const file = this.#file ?? new IndexFile(this.#disk, this.#indexPath());
    this.#file = file;
    // What changes while the parts are written is told by the commit that follows them.
    for (const rows of this.#groups.values()) {
      for (let part = 0; part < INDEX_PARTS; part++) {
        if (rows.index.part(part).count === 0) continue;
        file.addPart(rows.number, rows.index, part);
        await turn();
      }
    }
    this.#partBytes = file.bytes;
    return file;
  }

  #indexPath(): string {
    return `${this.#folder}/index-${this.#fileNumber}`;
  }

  /** The number goes with the file: whatever it holds, a later file stands above it. */
  #dropFile(): void {
    if (this.#file === null) return;
    this.#file.close();
    this.#file = null;
    this.#isBegun = false;
    this.#fileNumber += 1;
  }

  #segmentsToTell(): Segment[] {
    const touched = this.segments.takeTouched();
    return this.#isBegun ? touched : [...this.segments.all()];
  }

  #storedGroups(): CheckpointMeta['groups'] {
    return [...this.#groups].map(([id, { number }]) =>
      this.building.has(id) ? { id, number, partial: true } : { id, number },
    );
  }

  /** Those of which the commit that is being written needs nothing, and none after it. */
  #deadSegments(): Segment[] {
    return [...this.segments.all()].filter(
      (segment) =>
        segment.liveRows === 0 &&
        segment.savedBytes === segment.bytes &&
        !this.segments.isOpen(segment),
    );
  }

  #clean(removed: readonly Segment[], isNewIndex: boolean): void {
    for (const segment of removed) this.segments.remove(segment);
    if (!isNewIndex) return;
    for (const number of fileNumbers(this.#disk, this.#folder, 'index-')) {
      if (number < this.#fileNumber) removeQuietly(this.#disk, `${this.#folder}/index-${number}`);
    }
    if (!this.#isClean) this.segments.removeStrangers();
    this.#isClean = true;
  }
}
