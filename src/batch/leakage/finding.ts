/** `leak`: the training set tells what serving could not know. `warning`: it may. `info`: to know. */
export type LeakSeverity = 'leak' | 'warning' | 'info';

/** What the detector looks at; each check says whether it could be done. */
export const LEAK_CHECKS = [
  'future',
  'own_event',
  'prediction',
  'equals_label',
  'spine_times',
  'duplicates',
  'later_columns',
  'label_times',
  'time_zones',
  'whole_hours',
] as const;

export type LeakCheck = (typeof LEAK_CHECKS)[number];

export interface LeakFinding {
  readonly check: LeakCheck;
  readonly severity: LeakSeverity;
  /** The column, feature or source that it is about. */
  readonly subject: string;
  /** One sentence. */
  readonly message: string;
  readonly evidence: Readonly<Record<string, number | string>>;
  /** What to do about it. */
  readonly remedy: string;
}

/** A share as people read it. */
export function percent(share: number): string {
  const shown = share * 100;
  return `${shown >= 10 || Number.isInteger(shown) ? shown.toFixed(0) : shown.toPrecision(2)} %`;
}
