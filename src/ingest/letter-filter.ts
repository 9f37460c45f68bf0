/** Which dead letters are meant; all of them where nothing is said. */
export interface LetterFilter {
  readonly code?: string;
  /** Letters of this code are left out. */
  readonly except?: string;
  /** A UTC day, `2026-01-31`. */
  readonly day?: string;
  /** Arrival, inclusive, in epoch milliseconds. */
  readonly fromMs?: number;
  /** Arrival, exclusive, in epoch milliseconds. */
  readonly toMs?: number;
  /** The letter of this id. */
  readonly id?: string;
  /** Only letters that were not re-admitted. */
  readonly open?: boolean;
  readonly limit?: number;
}

interface Filtered {
  readonly id: string;
  readonly code: string;
  readonly arrivalTimeMs: number;
  readonly readmitted: boolean;
}

/** False for a part of which no letter can be meant. */
export function mayHold(filter: LetterFilter, name: string, day: string): boolean {
  if (filter.day !== undefined && filter.day !== day) return false;
  if (filter.id !== undefined && filter.id.split(':')[0] !== name) return false;
  const startMs = Date.parse(day);
  if (filter.toMs !== undefined && startMs >= filter.toMs) return false;
  return filter.fromMs === undefined || startMs + 86_400_000 > filter.fromMs;
}

/** Days and the number of letters are looked at elsewhere. */
export function passes(filter: LetterFilter, letter: Filtered): boolean {
  if (filter.id !== undefined && filter.id !== letter.id) return false;
  if (filter.code !== undefined && filter.code !== letter.code) return false;
  if (filter.except === letter.code) return false;
  if (filter.fromMs !== undefined && letter.arrivalTimeMs < filter.fromMs) return false;
  if (filter.toMs !== undefined && letter.arrivalTimeMs >= filter.toMs) return false;
  return filter.open !== true || !letter.readmitted;
}
