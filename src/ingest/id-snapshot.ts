import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import type { Acceptance } from './acceptance.ts';
import { LOG_FOLDER } from './segment.ts';

const PATH = `${LOG_FOLDER}/ids.bin`;
const MAGIC = 0x64697361;
const FORMAT = 1;
const PREFIX = 12;

/**
 * Writes the ids that later events can repeat, as one file that stands for all commits up to
 * `commit`: a restart goes on from there, and the log before it can be cut.
 */
export function writeIds(disk: Disk, commit: number, sources: Iterable<Acceptance>): void {
  const writer = new ByteWriter(1 << 16);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.u32(0);
  writer.varint(commit);
  for (const acceptance of sources) {
    for (const [partition, index] of acceptance.indexes()) {
      writer.u8(1);
      writer.string(acceptance.schema.name);
      writer.string(acceptance.schema.id ?? '');
      writer.varint(partition);
      const body = new ByteWriter(1 << 16);
      index.encode(body);
      writer.varint(body.length);
      writer.raw(body.view());
    }
  }
  writer.u8(0);
  writer.patchU32(8, crc32(writer.view().subarray(PREFIX)));
  disk.replace(PATH, writer.view());
}

/**
 * Fills the indexes from the file and gives the commit it stands for; 0 if there is none.
 * @throws AsofError `corrupt_log`, `newer_format`
 */
export function readIds(
  disk: Disk,
  acceptanceOf: (source: string) => Acceptance | undefined,
): number {
  if (!disk.exists(PATH)) return 0;
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
  while (reader.u8() === 1) {
    const source = reader.string();
    const idColumn = reader.string();
    const partition = reader.varint();
    const body = reader.raw(reader.varint());
    const acceptance = acceptanceOf(source);
    if (acceptance === undefined || acceptance.schema.id !== idColumn) continue;
    acceptance.index(partition).decode(new ByteReader(body));
  }
  return commit;
}
