import type { StoreUsage } from '../row-store.ts';
import type { LmdbTables } from './lmdb-file.ts';
import { groupToken } from './row-place.ts';

/** Behind every key of UTF-8. */
const LAST = Buffer.of(0xff);
const GROUPS = Buffer.from('groups');
const SAMPLE = 2_000;

/** From where to where the rows of a group lie. */
export function groupBounds(group: string): { start: Buffer; end: Buffer } {
  const start = Buffer.from(groupToken(group));
  return { start, end: Buffer.concat([start, LAST]) };
}

/** The groups that ever had rows; with one more, which is noted. */
export function groupsIn({ meta }: LmdbTables, added?: string): Set<string> {
  const bytes = meta.getBinary(GROUPS);
  const names: unknown = bytes === undefined ? [] : JSON.parse(bytes.toString('utf8'));
  const groups = new Set(Array.isArray(names) ? names.map(String) : []);
  if (added !== undefined) {
    groups.add(added);
    meta.putSync(GROUPS, Buffer.from(JSON.stringify([...groups])));
  }
  return groups;
}

/** Rows are counted; their bytes are those of the first of each group. */
export function lmdbUsage(tables: LmdbTables): StoreUsage {
  let isSampled = false;
  const groups: { group: string; rows: number; bytes: number }[] = [];
  for (const group of groupsIn(tables)) {
    const rows = tables.rows.getKeysCount(groupBounds(group));
    let [sampled, bytes] = [0, 0];
    for (const { key, value } of tables.rows.getRange({ ...groupBounds(group), limit: SAMPLE })) {
      sampled += 1;
      bytes += key.length + value.length;
    }
    if (rows > sampled) isSampled = true;
    if (rows > 0) groups.push({ group, rows, bytes: Math.round((bytes / sampled) * rows) });
  }
  return { isSampled, groups };
}
