import type { UnitCounts, UnitSum } from './fresh-rows.ts';
import type { TableTally } from './table-report.ts';
import type { TableNow } from './tables-world.ts';
import type { UnitState, UnitStates } from './unit-states.ts';

export interface ArrivalContext {
  readonly states: UnitStates;
  readonly now: TableNow;
  /** Rows of new units are believed to have been known when they say (semantics §6, Tables). */
  readonly backdate: boolean;
}

/**
 * Whether a unit comes for the first time, or goes on with coming. Where other rows of it are live
 * than those that it has now, what is new takes their place, and they did count until now.
 */
export function comesFirst(
  state: UnitState | undefined,
  read: UnitCounts,
  live: UnitSum | undefined,
): boolean {
  if ((live?.rows ?? 0) === 0) return state === undefined || (state.writing && state.first);
  // Rows that are live though nothing is noted of them: the catalog was lost.
  if (state === undefined || !state.writing || !state.first) return false;
  return state.rows === read.good && state.checksum === read.checksum;
}

/**
 * Before what time, in ms, new rows of a unit cannot have been known. Of a unit that was there
 * before it is now; of one that comes for the first time it is when the table was last looked at,
 * as serving then answered without it.
 */
export function notBeforeMs({ states, now, backdate }: ArrivalContext, isFirst: boolean): number {
  if (!isFirst) return now.nowMs;
  if (backdate || states.lookedMs === null) return 0;
  return Math.min(states.lookedMs + 1, now.nowMs);
}

/** Says since when rows of new units are known, unless that is since they say. */
export function noteArrival({ backdate, states, now }: ArrivalContext, tally: TableTally): void {
  if (states.lookedMs === null) return;
  const sinceMs = notBeforeMs({ backdate, states, now }, true);
  const since =
    sinceMs === now.nowMs ? 'from now on' : `not before ${new Date(sinceMs).toISOString()}`;
  tally.note(
    backdate
      ? 'units that came for the first time are backdated: training sees what serving did not'
      : `units that came for the first time are known ${since}, as the table was looked at before`,
  );
}
