import type { EntrySet } from './entry-set.ts';

/** A row is not kept that could be the newest of its event time. */
export function loseRow(set: EntrySet, eventMs: number, arrivalMs: number): void {
  if (eventMs < set.lostMs) return;
  set.lostArrivalMs = eventMs > set.lostMs ? arrivalMs : Math.max(set.lostArrivalMs, arrivalMs);
  set.lostMs = eventMs;
}

/** The first entries of `words` are not kept; it matters where they hold their arrivals. */
export function loseRows(
  { stride, arrivalAt }: { readonly stride: number; readonly arrivalAt: number },
  set: EntrySet,
  words: Float64Array,
  count: number,
): void {
  if (arrivalAt < 0) return;
  for (let i = 0; i < count; i++) {
    const at = i * stride;
    loseRow(set, words[at] as number, words[at + arrivalAt] as number);
  }
}
