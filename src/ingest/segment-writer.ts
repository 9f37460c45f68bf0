import type { Disk, DiskFile } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import type { LogNote } from './log-note.ts';
import {
  corruptLog,
  encodeHeader,
  FrameCursor,
  LOG_FOLDER,
  type PartitionState,
  readHeader,
  type Segment,
  type SegmentHeader,
  segmentPath,
} from './segment.ts';

/** `tail`: bytes behind the durable length; `distrusted`: a sync failed, so no byte is certain. */
type Damage = 'none' | 'tail' | 'distrusted';

/** The end of the log: writes groups durably, begins segments, repairs what a failure left. */
export class SegmentWriter {
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #segmentBytes: number;
  /** Oldest first; the last one is written to. Shared with the log, which cuts its head. */
  readonly segments: Segment[];
  #file: DiskFile | null = null;
  #durableLength: number;
  #damage: Damage = 'none';
  /** The file of a segment that could not be begun. */
  #leftover: string | null = null;

  constructor(
    disk: Disk,
    logger: Logger,
    segmentBytes: number,
    segments: Segment[],
    durableLength: number,
  ) {
    this.#disk = disk;
    this.#logger = logger;
    this.#segmentBytes = segmentBytes;
    this.segments = segments;
    this.#durableLength = durableLength;
  }

  /** Bytes of the last segment that are durable. */
  get durableLength(): number {
    return this.#durableLength;
  }

  /** One write and one sync. When it throws, nothing of the group is part of the log. */
  async write(
    firstCommit: number,
    partitions: readonly PartitionState[],
    notes: readonly LogNote[],
    bytes: Uint8Array,
  ): Promise<void> {
    this.#clearLeftover();
    if (this.#damage !== 'none') await this.#repair(firstCommit);
    const file = await this.#open({ firstCommit, partitions, notes }, bytes.length);
    try {
      this.#damage = 'tail';
      file.append(bytes);
      this.#damage = 'distrusted';
      await file.sync();
      this.#damage = 'none';
    } catch (error) {
      await this.#tryRepair(firstCommit);
      throw error;
    }
    this.#durableLength += bytes.length;
  }

  /** Begins a segment, or writes the header of one anew that holds nothing else. */
  async roll(header: SegmentHeader): Promise<void> {
    this.#clearLeftover();
    if (this.#damage !== 'none') await this.#repair(header.firstCommit);
    const last = this.segments.at(-1);
    if (last?.firstCommit !== header.firstCommit) {
      await this.#begin(header);
      return;
    }
    this.close();
    const bytes = encodeHeader(header);
    this.#disk.replace(last.path, bytes);
    this.#durableLength = bytes.length;
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  async #open(header: SegmentHeader, size: number): Promise<DiskFile> {
    const last = this.segments.at(-1);
    const full = this.#durableLength + size > this.#segmentBytes;
    const hasFrames = last !== undefined && last.firstCommit < header.firstCommit;
    if (last === undefined || (full && hasFrames)) return this.#begin(header);
    this.#file ??= this.#disk.openAppend(last.path);
    return this.#file;
  }

  /** The header and its name are durable before any frame, so a torn header holds nothing. */
  async #begin({ firstCommit, partitions, notes }: SegmentHeader): Promise<DiskFile> {
    this.close();
    const path = segmentPath(firstCommit);
    if (this.#disk.exists(path)) this.#disk.remove(path);
    const header = encodeHeader({ firstCommit, partitions, notes });
    let file: DiskFile | null = null;
    try {
      file = this.#disk.openAppend(path);
      file.append(header);
      await file.sync();
      this.#disk.syncFolder(LOG_FOLDER);
    } catch (error) {
      this.#quietly(() => file?.close());
      this.#leftover = path;
      this.#quietly(() => this.#clearLeftover());
      throw error;
    }
    this.segments.push({ firstCommit, path });
    this.#file = file;
    this.#durableLength = header.length;
    return file;
  }

  /** Before anything else is written: with segments after it, a torn one would be corruption. */
  #clearLeftover(): void {
    if (this.#leftover === null) return;
    if (this.#disk.exists(this.#leftover)) this.#disk.remove(this.#leftover);
    this.#disk.syncFolder(LOG_FOLDER);
    this.#leftover = null;
  }

  /** At once, so that nothing refused can come back; the next write tries again if it fails. */
  async #tryRepair(nextCommit: number): Promise<void> {
    try {
      await this.#repair(nextCommit);
    } catch (error) {
      this.#logger.error({ error: String(error) }, 'the log could not be repaired yet');
    }
  }

  async #repair(nextCommit: number): Promise<void> {
    const last = this.segments.at(-1);
    if (last === undefined) {
      this.#damage = 'none';
      return;
    }
    this.#quietly(() => this.close());
    this.#disk.truncate(last.path, this.#durableLength);
    if (this.#damage === 'tail') {
      const file = this.#disk.openAppend(last.path);
      this.#file = file;
      this.#damage = 'distrusted';
      await file.sync();
      this.#damage = 'none';
      return;
    }
    const header = this.#verify(last, nextCommit);
    if (last.firstCommit === nextCommit) {
      // It may be all that is left of the log, and then it alone says where the log stands.
      this.#disk.replace(last.path, header);
      this.#durableLength = header.length;
      this.#damage = 'none';
      return;
    }
    this.#logger.warn({ path: last.path }, 'a sync failed; the segment is sealed');
    // Nothing more goes into the file: the next segment's first commit fences its tail.
    this.#durableLength = Number.POSITIVE_INFINITY;
    this.#damage = 'none';
  }

  /** Answers the header of a segment that holds all it must. */
  #verify(segment: Segment, nextCommit: number): Uint8Array {
    const bytes = this.#disk.read(segment.path);
    const opened = readHeader(segment.path, bytes);
    if (opened === null) throw corruptLog(segment.path, 0, 'the header is gone after a failure');
    const cursor = new FrameCursor(bytes, opened.end, segment.firstCommit);
    while (cursor.expected < nextCommit) {
      if (cursor.next(true) !== null) continue;
      throw corruptLog(segment.path, cursor.end, `commit ${cursor.expected} is gone`);
    }
    return bytes.subarray(0, opened.end);
  }

  #quietly(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'clean-up after a disk failure failed too');
    }
  }
}
