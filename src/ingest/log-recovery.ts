import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { LogNotes } from './log-note.ts';
import {
  advance,
  corruptLog,
  encodeHeader,
  type Frame,
  FrameCursor,
  LOG_FOLDER,
  PartitionStates,
  readHeader,
  type Segment,
  segmentPath,
  segmentsOf,
} from './segment.ts';

const TORN_SUFFIX = '.torn';

/** What opening found, and what it had to cut. */
export interface LogRecovery {
  readonly segments: number;
  readonly lastCommit: number;
  /** Bytes of an unfinished write that were cut; nobody was told that they were taken. */
  readonly tornBytes: number;
  readonly tornPath: string | null;
}

export interface RecoveredLog {
  readonly recovery: LogRecovery;
  readonly segments: Segment[];
  readonly lastCommit: number;
  readonly durableLength: number;
  readonly partitions: PartitionStates;
  /** The newest note of each name. */
  readonly notes: LogNotes;
}

/**
 * Finds the end of the log, cuts a torn tail and verifies every checksum (`verify: 'tail'`: those
 * of the last segment; the others are still checked whenever they are read).
 * @throws AsofError `corrupt_log`, `newer_format`
 */
export async function recoverLog(
  disk: Disk,
  verify: 'all' | 'tail',
  logger: Logger,
): Promise<RecoveredLog> {
  disk.makeFolder(LOG_FOLDER);
  const segments = segmentsOf(disk.list(LOG_FOLDER));
  const torn = dropTornHeader(disk, segments);
  const last = segments.at(-1);
  if (verify === 'all') {
    for (let i = 0; i + 1 < segments.length; i++) verifySealed(disk, segments[i], segments[i + 1]);
  }
  if (last === undefined) {
    const partitions = new PartitionStates();
    const recovery = { segments: 0, lastCommit: 0, ...torn };
    return {
      recovery,
      segments,
      lastCommit: 0,
      durableLength: 0,
      partitions,
      notes: new LogNotes(),
    };
  }
  const tail = readTail(disk, last);
  let tornBytes = torn.tornBytes;
  let tornPath = torn.tornPath;
  if (tail.end < tail.size) {
    tornBytes += tail.size - tail.end;
    tornPath = last.path;
    const keptIn = keepAside(disk, last, tail.cut, logger);
    const fields = { path: last.path, bytes: tornBytes, keptIn };
    logger.warn(fields, 'the torn tail of the log was cut');
  }
  writeAgain(disk, segments, tail);
  const { lastCommit, partitions, notes } = tail;
  const durableLength = tail.again.length;
  const recovery = { segments: segments.length, lastCommit, tornBytes, tornPath };
  return { recovery, segments, lastCommit, durableLength, partitions, notes };
}

/**
 * A damaged last group looks like a torn one, which nobody was told of; should events be missing
 * after all, what was cut is still there to be looked at. One such file is kept, the newest.
 */
function keepAside(disk: Disk, segment: Segment, cut: Uint8Array, logger: Logger): string | null {
  const path = segment.path.replace(/\.seg$/, TORN_SUFFIX);
  try {
    for (const name of disk.list(LOG_FOLDER)) {
      if (name.endsWith(TORN_SUFFIX)) disk.remove(`${LOG_FOLDER}/${name}`);
    }
    disk.replace(path, cut);
    return path;
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    logger.warn({ path, error: error.message }, 'what was cut of the log could not be kept');
    return null;
  }
}

/** A crash while a segment begins leaves a header that is not whole, and no frames behind it. */
function dropTornHeader(
  disk: Disk,
  segments: Segment[],
): { tornBytes: number; tornPath: string | null } {
  const last = segments.at(-1);
  if (last === undefined) return { tornBytes: 0, tornPath: null };
  const bytes = disk.read(last.path);
  if (readHeader(last.path, bytes) !== null) return { tornBytes: 0, tornPath: null };
  if (new FrameCursor(bytes, -1, 0).provesCorruption()) {
    throw corruptLog(last.path, 0, 'the header is damaged');
  }
  disk.remove(last.path);
  disk.syncFolder(LOG_FOLDER);
  segments.pop();
  return { tornBytes: bytes.length, tornPath: last.path };
}

/**
 * What was read is served from now on, so it must be durable. The last group may be shown and yet be
 * nowhere on the disk: a process that died before it was synced left it, or a sync that failed,
 * after which the next one succeeds without it. So it is written once more, into a segment of its
 * own; the old tail lies behind the fence of that segment.
 */
function writeAgain(disk: Disk, segments: Segment[], { again, firstCommit }: Tail): void {
  const path = segmentPath(firstCommit);
  disk.replace(path, again);
  if (segments.at(-1)?.path !== path) segments.push({ firstCommit, path });
}

interface Tail {
  /** Whole appends end here. */
  readonly end: number;
  /** What lies behind. */
  readonly cut: Uint8Array;
  readonly size: number;
  readonly lastCommit: number;
  readonly partitions: PartitionStates;
  readonly notes: LogNotes;
  /** The first commit of the last group, and a segment that begins with it. */
  readonly firstCommit: number;
  readonly again: Uint8Array;
}

/** Up to the last append that is there as a whole. */
function readTail(disk: Disk, segment: Segment): Tail {
  const bytes = disk.read(segment.path);
  const opened = readHeader(segment.path, bytes);
  if (opened === null || opened.header.firstCommit !== segment.firstCommit) {
    throw corruptLog(segment.path, 0, 'the header does not fit the file name');
  }
  const partitions = new PartitionStates(opened.header.partitions);
  const cursor = new FrameCursor(bytes, opened.end, segment.firstCommit);
  const notes = new LogNotes(opened.header.notes);
  let group: Frame[] = [];
  let [start, firstCommit] = [opened.end, segment.firstCommit];
  for (let frame = cursor.next(true); frame !== null; frame = cursor.next(true)) {
    if (frame.groupLag === 0) {
      for (const before of group) pass(before, partitions, notes);
      group = [];
      [start, firstCommit] = [frame.start, frame.commit];
    }
    group.push(frame);
  }
  while (group.at(-1)?.continues === true) group.pop();
  if (cursor.end < bytes.length && cursor.provesCorruption()) {
    throw corruptLog(segment.path, cursor.end, `commit ${cursor.expected} fails its checksum`);
  }
  const header = encodeHeader({ firstCommit, partitions: partitions.all(), notes: notes.list() });
  for (const frame of group) pass(frame, partitions, notes);
  const end = group.at(-1)?.end ?? start;
  const again = new Uint8Array(header.length + end - start);
  again.set(header);
  again.set(bytes.subarray(start, end), header.length);
  const lastCommit = firstCommit + group.length - 1;
  const cut = bytes.subarray(end);
  return { end, cut, size: bytes.length, lastCommit, partitions, notes, firstCommit, again };
}

/** Moves what a segment's header says over one frame. */
function pass({ payload, note }: Frame, partitions: PartitionStates, notes: LogNotes): void {
  advance(partitions, payload);
  if (note !== null) notes.keep(note);
}

/** Every commit before the next segment's first must be there; what lies behind was refused. */
function verifySealed(disk: Disk, segment: Segment | undefined, next: Segment | undefined): void {
  if (segment === undefined || next === undefined) return;
  const bytes = disk.read(segment.path);
  const opened = readHeader(segment.path, bytes);
  if (opened === null) throw corruptLog(segment.path, 0, 'the header is damaged');
  const cursor = new FrameCursor(bytes, opened.end, segment.firstCommit);
  while (cursor.expected < next.firstCommit) {
    if (cursor.next(true) !== null) continue;
    throw corruptLog(segment.path, cursor.end, `commit ${cursor.expected} fails its checksum`);
  }
}
