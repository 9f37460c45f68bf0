import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

const META_BYTES = 168;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** Where the fields lie in a meta page of LMDB's data format. */
const AT = { magic: 24, version: 28, pageSize: 48, freeRoot: 88, mainRoot: 136, commit: 152 };

/**
 * What is wrong with the database file of a folder, or null. LMDB maps the file into memory and
 * trusts it: one that is damaged at its head, or cut short, would end the process.
 */
export function lmdbDamage(folder: string): string | null {
  const path = join(folder, 'data.mdb');
  if (!existsSync(path)) return null;
  const { size } = statSync(path);
  if (size === 0) return null;
  const first = readMeta(path, 0);
  if (first === null) return 'its head is not that of a database';
  const pageSize = first.getUint32(AT.pageSize, true);
  const second = readMeta(path, pageSize);
  if (second === null) return 'its second head is not that of a database';
  const later = commitOf(second) > commitOf(first) ? second : first;
  for (const at of [AT.freeRoot, AT.mainRoot]) {
    const page = later.getBigUint64(at, true);
    const endsAt = (page + 1n) * BigInt(pageSize);
    if (page !== NO_PAGE && endsAt > size) return `it has ${size} bytes, and ${endsAt} are in use`;
  }
  return null;
}

function commitOf(meta: DataView): bigint {
  return meta.getBigUint64(AT.commit, true);
}

function readMeta(path: string, position: number): DataView | null {
  const bytes = new Uint8Array(META_BYTES);
  const file = openSync(path, 'r');
  try {
    if (readSync(file, bytes, 0, META_BYTES, position) < META_BYTES) return null;
  } finally {
    closeSync(file);
  }
  const view = new DataView(bytes.buffer);
  if (view.getUint32(AT.magic, true) !== MAGIC) return null;
  return (view.getUint32(AT.version, true) & 0xffff) === DATA_VERSION ? view : null;
}
