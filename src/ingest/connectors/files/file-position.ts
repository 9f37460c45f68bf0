import { crc32 } from 'node:zlib';
import type { FolderFile, WatchedFolder } from './watched-folder.ts';

const CHECKED_BYTES = 4096;

/** How far a file has been read, and enough of what was read to know it again. */
export interface FilePosition {
  /** Bytes, or rows of a Parquet file. */
  readonly at: number;
  /** Lines before it. */
  readonly line: number;
  /** Of a file that is taken whole: its size, which it must keep; null for one that may grow. */
  readonly size: number | null;
  /** Whether such a file has been read to its end. */
  readonly done: boolean;
  /** Whether the last line taken had no end yet. */
  readonly unended: boolean;
  readonly check: FileCheck;
}

/** Checksums of the first and the last bytes among the first `bytes` of a file. */
interface FileCheck {
  readonly bytes: number;
  readonly head: number;
  readonly tail: number;
}

export function checkOf(folder: WatchedFolder, name: string, bytes: number): FileCheck {
  const size = Math.min(bytes, CHECKED_BYTES);
  return {
    bytes,
    head: crc32(folder.readAt(name, 0, size)),
    tail: crc32(folder.readAt(name, bytes - size, size)),
  };
}

/** Why a file is not what was read before; null if it is, as far as one can see. */
export function changeOf(
  folder: WatchedFolder,
  file: FolderFile,
  position: FilePosition,
): string | null {
  const { name, size } = file;
  const { check, unended } = position;
  if (size < check.bytes) return `shrank from ${check.bytes} bytes to ${size}`;
  const now = checkOf(folder, name, check.bytes);
  if (now.head !== check.head || now.tail !== check.tail) return 'was replaced by another file';
  if (position.size !== null && size !== position.size) return 'changed after it was begun';
  if (unended && size > position.at && folder.readAt(name, position.at, 1)[0] !== 0x0a) {
    return `grew within line ${position.line}, which was taken as it was`;
  }
  return null;
}

export function positionText(position: FilePosition): string {
  const { at, line, size, done, unended, check } = position;
  const flags = (done ? 1 : 0) + (unended ? 2 : 0);
  return JSON.stringify([at, line, size, flags, check.bytes, check.head, check.tail]);
}

export function readPosition(token: string): FilePosition {
  const parts: unknown = JSON.parse(token);
  const [at, line, size, flags, bytes, head, tail] = Array.isArray(parts) ? parts : [];
  return {
    at: Number(at),
    line: Number(line),
    size: size === null ? null : Number(size),
    done: (Number(flags) & 1) === 1,
    unended: (Number(flags) & 2) === 2,
    check: { bytes: Number(bytes), head: Number(head), tail: Number(tail) },
  };
}
