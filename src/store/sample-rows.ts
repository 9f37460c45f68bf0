import { createTable } from '../aggregate/create-table.ts';
import type { WindowTable } from '../aggregate/window-table.ts';
import type { SavedRows } from './saved-rows.ts';

/**
 * Bytes that the tiles of a saved row would take in memory, by so many of the rows, which are any; 0
 * where there are none.
 * @throws AsofError `corrupt_state`
 */
export function sampleRows(saved: SavedRows, like: WindowTable, rows: number): number {
  const table = createTable(like.spec);
  table.advanceTo(like.nowMs);
  const sampled: number[] = [];
  for (const content of saved.contents()) {
    if (sampled.length === rows) break;
    const row = table.createRow();
    sampled.push(row);
    try {
      content.string();
      content.varint();
      table.decodeRow(row, content);
    } catch (cause) {
      throw saved.condemn('a saved row cannot be read', cause);
    }
  }
  const { bytes } = table.stats();
  // What stays is the room for rows, which is counted by their number.
  for (const row of sampled) table.freeRow(row);
  return sampled.length === 0 ? 0 : (bytes - table.stats().bytes) / sampled.length;
}
