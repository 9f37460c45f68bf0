import { present } from '../base/assert.ts';
import { unpackVector } from '../schema/packed-vector.ts';
import { canonicalInteger, type Single } from '../schema/types.ts';
import type { EntrySet } from './entry-set.ts';
import { arrivalAtOf } from './entry-shape.ts';
import { type EntryView, entryView, isLive, singleAt } from './entry-view.ts';
import { bigOf } from './exact.ts';
import { EXPIRED, type Finish, type FinishSpec, OVERFLOW } from './finish-spec.ts';
import { valueForm } from './kernels.ts';
import { LATEST_EXISTS, LATEST_VALUE } from './latest-kernel.ts';
import type { WindowPartials } from './window-table.ts';

/** The newest row of the last query. */
interface NewestRow {
  /** Its event time; undefined where there is none, and null where that cannot be told. */
  readonly eventMs: () => number | undefined | null;
  /** Of the row found last. */
  readonly value: () => Single | typeof OVERFLOW;
}

/** An attribute (semantics §6, table features): undefined where there is no row. */
export function compileLatest(feature: FinishSpec, table: WindowPartials): Finish {
  const row = newestRow(feature, table);
  const ttlMs = feature.ttlMs ?? Number.POSITIVE_INFINITY;
  return () => {
    const eventMs = row.eventMs();
    if (eventMs === undefined) return undefined;
    if (eventMs === null) return OVERFLOW;
    return table.askedMs - eventMs > ttlMs ? EXPIRED : row.value();
  };
}

/** The first time after the query's at which a row expires, if no row changes. */
export function compileHold(feature: FinishSpec, table: WindowPartials): (() => number) | null {
  const { ttlMs = null } = feature;
  if (feature.fn !== 'latest' || ttlMs === null) return null;
  const row = newestRow(feature, table);
  return () => {
    const expiresMs = (row.eventMs() ?? Number.POSITIVE_INFINITY) + ttlMs + 1;
    return expiresMs > table.askedMs ? expiresMs : Number.POSITIVE_INFINITY;
  };
}

function newestRow(feature: FinishSpec, table: WindowPartials): NewestRow {
  return table.spec.retractable === true ? leftRow(feature, table) : finalRow(feature, table);
}

/** Where events are final, the one row that is held. */
function finalRow(feature: FinishSpec, table: WindowPartials): NewestRow {
  const accumulator = present(feature.parts.value, 'an attribute has a row');
  const { type } = present(table.spec.accumulators[accumulator], 'the accumulator exists');
  const at = table.partialAt(feature.window, accumulator);
  const form = valueForm(type);
  const words = table.partials;
  return {
    eventMs: () => {
      table.fold(accumulator);
      const eventMs = words[at] as number;
      return eventMs === Number.NEGATIVE_INFINITY ? undefined : eventMs;
    },
    value: () => {
      if (words[at + LATEST_EXISTS] === 0) return null;
      const head = words[at + LATEST_VALUE] as number;
      if (form === 'string') {
        const text = table.slots.texts.get(head);
        return type.kind === 'vector' ? unpackVector(text) : text;
      }
      if (form === 'narrow') return type.kind === 'bool' ? head !== 0 : head;
      const tail = words[at + LATEST_VALUE + 1] as number;
      return head === 0 ? tail : canonicalInteger(bigOf(head, tail));
    },
  };
}

/** Where rows can be taken back, the newest that is left of those that are kept. */
function leftRow(feature: FinishSpec, table: WindowPartials): NewestRow {
  const view = entryView(feature, table);
  let set: EntrySet | null = null;
  let row = -1;
  return {
    eventMs: () => {
      set = view.set();
      row = set === null ? -1 : newestLive(set, view);
      if (set !== null && row >= 0) return eventMsAt(set, view, row);
      return set?.more ? null : undefined;
    },
    value: () => {
      if (set === null || isDoubtful(set, view, row)) return OVERFLOW;
      return existsAt(set, view, row) ? singleAt(set, view, row) : null;
    },
  };
}

/** Entries stand in the total order; among those of one event time the arrival decides. */
function newestLive(set: EntrySet, view: EntryView): number {
  let newest = -1;
  for (let i = set.count - 1; i >= 0; i--) {
    if (!isLive(set, view, i)) continue;
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
