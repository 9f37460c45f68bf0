import { AsofError } from '../base/errors.ts';
import type { StoreHead } from './row-store.ts';

/**
 * The name under which the rows of a tile group stand in an online store: `<group>~<epoch>`. Rows
 * that are written anew, all of them, stand beside those before, under another epoch, until the
 * head names them; so nobody reads a mixture. An epoch is `<history>-<generation>-<number>`, and a
 * history is `<data directory>.<number>`: rows of another data directory, or of a history that
 * somebody was removed from since, are never gone on with.
 */
const MARK = '~';
/** At the end of the name of rows of some keys only: what is not there is not known to be absent. */
const SELECTED = '-s';

export function storedGroup(group: string, epoch: string, isSelected = false): string {
  return `${group}${MARK}${epoch}${isSelected ? SELECTED : ''}`;
}

/** Whether rows of some keys only stand under the name; others are to be asked from the primary. */
export function isSelected(name: string): boolean {
  return name.endsWith(SELECTED);
}

/** Of which tile group the rows are. */
export function groupOfStored(name: string): string {
  const at = name.lastIndexOf(MARK);
  return at < 0 ? name : name.slice(0, at);
}

export function isOfHistory(name: string, history: string): boolean {
  return name.slice(name.lastIndexOf(MARK) + 1).startsWith(`${history}-`);
}

/** @throws AsofError `store_foreign` for rows of another data directory */
export function requireOwn(head: StoreHead | null, directory: string): void {
  const epochs = head?.groups.map((name) => name.slice(name.lastIndexOf(MARK) + 1)) ?? [];
  if (epochs.every((epoch) => epoch.startsWith(`${directory}.`))) return;
  throw new AsofError('store_foreign', 'The online store holds rows of another data directory.');
}
