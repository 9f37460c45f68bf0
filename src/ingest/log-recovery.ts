import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import {
  advance,
  corruptLog,
  type Frame,
  FrameCursor,
  LOG_FOLDER,
  PartitionStates,
  readHeader,
  type Segment,
  segmentsOf,
} from './segment.ts';

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
  readonly notes: Map<string, string>;
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
    return { recovery, segments, lastCommit: 0, durableLength: 0, partitions, notes: new Map() };
  }
  const tail = readTail(disk, last);
  let tornBytes = torn.tornBytes;
  let tornPath = torn.tornPath;
  if (tail.end < tail.size) {
    tornBytes += tail.size - tail.end;
    tornPath = last.path;
    disk.truncate(last.path, tail.end);
    logger.warn({ path: last.path, bytes: tornBytes }, 'the torn tail of the log was cut');
  }
  // Frames that were read here are served from now on, so they must be durable, acknowledged
  // before the crash or not; and their file may have been made by a process that died before the
  // name was durable.
  const file = disk.openAppend(last.path);
  try {
    await file.sync();
    disk.syncFolder(LOG_FOLDER);
  } finally {
    file.close();
  }
  const { lastCommit, partitions, notes, end } = tail;
  const recovery = { segments: segments.length, lastCommit, tornBytes, tornPath };
  return { recovery, segments, lastCommit, durableLength: end, partitions, notes };
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

interface Tail {
  readonly end: number;
  readonly size: number;
  readonly lastCommit: number;
  readonly partitions: PartitionStates;
  readonly notes: Map<string, string>;
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
  const notes = new Map(opened.header.notes.map(({ name, text }) => [name, text]));
  let [end, lastCommit] = [opened.end, segment.firstCommit - 1];
  let begun: Frame[] = [];
  for (let frame = cursor.next(true); frame !== null; frame = cursor.next(true)) {
    begun.push(frame);
    if (frame.continues) continue;
    for (const { payload, note } of begun) {
      advance(partitions, payload);
      if (note?.text === '') notes.delete(note.name);
      else if (note !== null) notes.set(note.name, note.text);
    }
    begun = [];
    [end, lastCommit] = [frame.end, frame.commit];
  }
  if (cursor.end < bytes.length && cursor.provesCorruption()) {
    throw corruptLog(segment.path, cursor.end, `commit ${cursor.expected} fails its checksum`);
  }
  return { end, size: bytes.length, lastCommit, partitions, notes };
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
