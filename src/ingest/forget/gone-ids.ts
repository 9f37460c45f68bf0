import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Disk } from '../../base/disk.ts';
import { DedupeIndex, INDEX_VERSION } from '../dedupe-index.ts';
import { type IdBlock, ROWS_VERSION, readIds, writeIds } from '../id-snapshot.ts';
import { LiveRows } from '../live-rows.ts';

/** What is gone by source: ids of removed events, and ids whose held rows show a person. */
export interface GoneIds {
  readonly removed: ReadonlySet<string>;
  /** Of kept events too: what a change stream holds of their columns. */
  readonly held: ReadonlySet<string>;
}

/** Nothing is let go but what is named, however old. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;
const NO_LIMITS = {
  rows: Number.MAX_SAFE_INTEGER,
  bytes: Number.MAX_SAFE_INTEGER,
  rowsKept: Number.MAX_SAFE_INTEGER,
  bytesKept: Number.MAX_SAFE_INTEGER,
};

/**
 * Writes the ids of a data directory again without those that are gone, as if they had never come;
 * all else that it says stays. Nobody may have the door open. Answers how many went.
 * @throws AsofError `corrupt_log`, `newer_format`
 */
export function forgetIds(disk: Disk, gone: ReadonlyMap<string, GoneIds>): number {
  const { commit, blocks } = readIds(disk);
  let removed = 0;
  const kept = blocks.map((block): IdBlock => {
    const ids = gone.get(block.source);
    if (ids === undefined) return block;
    const rest = block.version === ROWS_VERSION ? withoutRows(block, ids) : withoutIds(block, ids);
    removed += rest.removed;
    return rest.removed === 0 ? block : rest.block;
  });
  if (removed > 0) writeIds(disk, commit, kept);
  return removed;
}

interface Rest {
  readonly block: IdBlock;
  readonly removed: number;
}

function withoutIds(block: IdBlock, { removed: gone }: GoneIds): Rest {
  const index = new DedupeIndex(NEVER_MS, { ids: NEVER_MS, idsKept: NEVER_MS });
  index.decode(new ByteReader(block.body), block.version);
  const removed = index.remove((id) => gone.has(id));
  const body = new ByteWriter(1 << 16);
  index.encode(body);
  return { block: { ...block, version: INDEX_VERSION, body: body.view() }, removed };
}

/** The names of the columns come first, then the rows. */
function withoutRows(block: IdBlock, { held }: GoneIds): Rest {
  const reader = new ByteReader(block.body);
  const names = Array.from({ length: reader.varint() }, () => reader.string());
  const rows = new LiveRows({ eventMs: NEVER_MS, idMs: NEVER_MS }, NO_LIMITS);
  rows.decode(reader, (bytes) => bytes);
  const removed = rows.remove((id) => held.has(id));
  const body = new ByteWriter(1 << 16);
  body.varint(names.length);
  for (const name of names) body.string(name);
  rows.encode(body);
  return { block: { ...block, body: body.view() }, removed };
}
