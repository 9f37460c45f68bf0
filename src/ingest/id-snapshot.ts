import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { LOG_FOLDER } from './segment.ts';

const PATH = `${LOG_FOLDER}/ids.bin`;
const MAGIC = 0x64697361;
/** The encoding of each block has a version of its own, from 1 up to this. */
const FORMAT = 3;
const PREFIX = 12;

/** Of a block that holds rows besides ids: those of a change stream. */
export const ROWS_VERSION = 3;

/** The ids of one partition, as `DedupeIndex` encodes them, or `SourceRows` with their rows. */
export interface IdBlock {
  /** Of the encoding of its body, from 1. */
  readonly version: number;
  readonly source: string;
  /** The column that held the ids. */
  readonly idColumn: string;
  readonly partition: number;
  readonly body: Uint8Array;
}

export interface IdSnapshot {
  /** The ids stand for all commits up to this one; 0 if nothing was written yet. */
  readonly commit: number;
  readonly blocks: readonly IdBlock[];
}

/**
 * Writes the ids that later events can repeat, as one file that stands for all commits up to
 * `commit`: a restart goes on from there, and the log before it can be cut.
 */
export function writeIds(disk: Disk, commit: number, blocks: Iterable<IdBlock>): void {
  const writer = new ByteWriter(1 << 16);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.u32(0);
  writer.varint(commit);
  for (const { version, source, idColumn, partition, body } of blocks) {
    writer.u8(version);
    writer.string(source);
    writer.string(idColumn);
    writer.varint(partition);
    writer.varint(body.length);
    writer.raw(body);
  }
  writer.u8(0);
  writer.patchU32(8, crc32(writer.view().subarray(PREFIX)));
  disk.replace(PATH, writer.view());
}

/**
 * What was written last.
 * @throws AsofError `corrupt_log`, `newer_format`
 */
export function readIds(disk: Disk): IdSnapshot {
  if (!disk.exists(PATH)) return { commit: 0, blocks: [] };
  const bytes = disk.read(PATH);
  const damaged = (): AsofError =>
    new AsofError('corrupt_log', `'${PATH}' is damaged.`, {
      path: PATH,
      remedy: 'Restore it, or delete it if the log still begins at commit 1.',
    });
  if (bytes.length < PREFIX) throw damaged();
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC) throw damaged();
  const format = reader.u32();
  if (format > FORMAT) {
    throw new AsofError('newer_format', `'${PATH}' has format ${format}.`, { path: PATH });
  }
  if (reader.u32() !== crc32(bytes.subarray(PREFIX))) throw damaged();
  const commit = reader.varint();
  const blocks: IdBlock[] = [];
  for (let version = reader.u8(); version !== 0; version = reader.u8()) {
    const source = reader.string();
    const idColumn = reader.string();
    const partition = reader.varint();
    const body = reader.raw(reader.varint());
    blocks.push({ version, source, idColumn, partition, body });
  }
  return { commit, blocks };
}
