import type { EntrySet } from './entry-set.ts';
import { arrivalAtOf } from './entry-shape.ts';
import { type EntryView, entryView, isLive, scalarAt } from './entry-view.ts';
import { EXPIRED, type Finish, type FinishSpec, OVERFLOW } from './finish-spec.ts';
import type { WindowPartials } from './window-table.ts';

/** An attribute (semantics §6, table features): undefined where there is no row. */
export function compileLatest(feature: FinishSpec, table: WindowPartials): Finish {
  const view = entryView(feature, table);
  const ttlMs = feature.ttlMs ?? Number.POSITIVE_INFINITY;
  return () => {
    const set = view.set();
    if (set === null) return undefined;
    const row = newestRow(set, view);
    if (row < 0) return set.more ? OVERFLOW : undefined;
    if (table.askedMs - eventMsAt(set, view, row) > ttlMs) return EXPIRED;
    if (isDoubtful(set, view, row)) return OVERFLOW;
    return existsAt(set, view, row) ? scalarAt(set, view, row) : null;
  };
}

/** The first time after the query's at which a row expires, if no row changes. */
export function compileHold(feature: FinishSpec, table: WindowPartials): (() => number) | null {
  const { ttlMs = null } = feature;
  if (feature.fn !== 'latest' || ttlMs === null) return null;
  const view = entryView(feature, table);
  return () => {
    const set = view.set();
    const row = set === null ? -1 : newestRow(set, view);
    if (set === null || row < 0) return Number.POSITIVE_INFINITY;
    const expiresMs = eventMsAt(set, view, row) + ttlMs + 1;
    return expiresMs > table.askedMs ? expiresMs : Number.POSITIVE_INFINITY;
  };
}

/**
 * The entry that is the newest of those not taken back, or -1. Where rows can be taken back, entries
 * stand in the total order, and among those of one event time the arrival decides.
 */
function newestRow(set: EntrySet, view: EntryView): number {
  const arrivalAt = arrivalAtOf(view.shape);
  let newest = -1;
  for (let i = set.count - 1; i >= 0; i--) {
    if (!isLive(set, view, i)) continue;
    if (arrivalAt < 0) return i;
    if (newest < 0) newest = i;
    else if (eventMsAt(set, view, i) < eventMsAt(set, view, newest)) return newest;
    else if (arrivalMsAt(set, view, i) > arrivalMsAt(set, view, newest)) newest = i;
  }
  return newest;
}

/** Whether a row that is not kept has the same event time and arrived later. */
function isDoubtful(set: EntrySet, view: EntryView, row: number): boolean {
  if (set.lostMs !== eventMsAt(set, view, row)) return false;
  return set.lostArrivalMs > arrivalMsAt(set, view, row);
}

function eventMsAt(set: EntrySet, { stride }: EntryView, i: number): number {
  return set.words[i * stride] as number;
}

function arrivalMsAt(set: EntrySet, { stride, shape }: EntryView, i: number): number {
  return set.words[i * stride + arrivalAtOf(shape)] as number;
}

/** The word before the value. */
function existsAt(set: EntrySet, { stride, valueAt }: EntryView, i: number): boolean {
  return set.words[i * stride + valueAt - 1] !== 0;
}
