import type { Applied } from './online-store.ts';
import type { StoreHead } from './row-store.ts';
import { groupOfStored, isSelected } from './stored-groups.ts';

/** A head as a reader knows it. */
export interface KnownHead {
  readonly head: StoreHead;
  readonly applied: Applied;
  /** When it was read, by the monotonic clock. */
  readonly atMs: number;
  /** By tile group: under which name its rows stand. */
  readonly names: ReadonlyMap<string, string>;
  /** Whether of some group there are some keys only. */
  readonly isSelected: boolean;
}

export const NOTHING_APPLIED: Applied = { commit: 0, newestArrivalMs: 0, bySource: new Map() };

/** The same parts as of `before`, where it is the same head. */
export function knownHead(head: StoreHead, atMs: number, before: KnownHead | null): KnownHead {
  const isNamed = before !== null && sameTexts(before.head.groups, head.groups);
  const { commit, newestArrivalMs, sources } = head.position;
  if (
    isNamed &&
    before.head.commit === commit &&
    before.applied.newestArrivalMs === newestArrivalMs
  ) {
    return { ...before, atMs };
  }
  const applied = { commit, newestArrivalMs, bySource: new Map(Object.entries(sources)) };
  const names = isNamed
    ? before.names
    : new Map(head.groups.map((name) => [groupOfStored(name), name]));
  const some = isNamed ? before.isSelected : head.groups.some(isSelected);
  return { head, applied, atMs, names, isSelected: some };
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}
