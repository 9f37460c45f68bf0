import { CheckpointFile } from './checkpoint-file.ts';
import type { CheckpointMeta } from './checkpoint-format.ts';
import { type CheckpointWriter, ThreadCheckpointWriter } from './checkpoint-writer.ts';

/** The port of the state store: checkpoints are read at a start and then written by one writer. */
export interface StateStore {
  /** @throws AsofError `corrupt_state` */
  open(): StateReader;
  writer(): CheckpointWriter;
}

export interface StateReader {
  /**
   * Takes over from whoever wrote before: its later writes are refused. Without a checkpoint there
   * is one at commit 0 from now on.
   * @throws AsofError `corrupt_state`, `newer_format`
   */
  claim(): CheckpointMeta;
  /** Every row of a group, ascending; the bytes are valid only until the next one. */
  readRows(group: string, rowBound: number): Iterable<{ row: number; bytes: Uint8Array }>;
  close(): Promise<void>;
}

/** Checkpoints in LMDB, written by a thread of its own unless told otherwise. */
export function lmdbState(
  folder: string,
  newWriter: (folder: string) => CheckpointWriter = (path) => new ThreadCheckpointWriter(path),
): StateStore {
  return { open: () => CheckpointFile.open(folder), writer: () => newWriter(folder) };
}
