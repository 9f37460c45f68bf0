import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Disk } from '../base/disk.ts';
import { LOG_FOLDER } from './segment.ts';

const PATH = `${LOG_FOLDER}/clocks.bin`;
const MAGIC = 0x636c6373;
const FORMAT = 1;
const PREFIX = 12;

export interface ClockSnapshot {
  /** What is counted stands for all commits up to this one; 0 if nothing was written yet. */
  readonly commit: number;
  /** By source, as `SourceClocks` encodes itself. */
  readonly sources: ReadonlyMap<string, Uint8Array>;
}

const NOTHING: ClockSnapshot = { commit: 0, sources: new Map() };

/** Writes what was measured of all sources, as one file that stands for commits up to `commit`. */
export function writeClocks(
  disk: Disk,
  commit: number,
  sources: Iterable<readonly [source: string, body: Uint8Array]>,
): void {
  const writer = new ByteWriter(1 << 12);
  writer.u32(MAGIC);
  writer.u32(FORMAT);
  writer.u32(0);
  writer.varint(commit);
  for (const [source, body] of sources) {
    writer.u8(1);
    writer.string(source);
    writer.varint(body.length);
    writer.raw(body);
  }
  writer.u8(0);
  writer.patchU32(8, crc32(writer.view().subarray(PREFIX)));
  disk.replace(PATH, writer.view());
}

/** What was written last. It is a measurement: what is damaged is begun anew, not refused. */
export function readClocks(disk: Disk): ClockSnapshot {
  if (!disk.exists(PATH)) return NOTHING;
  const bytes = disk.read(PATH);
  if (bytes.length < PREFIX) return NOTHING;
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC || reader.u32() !== FORMAT) return NOTHING;
  if (reader.u32() !== crc32(bytes.subarray(PREFIX))) return NOTHING;
  const commit = reader.varint();
  const sources = new Map<string, Uint8Array>();
  while (reader.u8() === 1) sources.set(reader.string(), reader.raw(reader.varint()));
  return { commit, sources };
}
