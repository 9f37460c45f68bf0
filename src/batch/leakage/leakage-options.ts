import type { TrainingOptions } from '../training-options.ts';
import type { LeakCheck, LeakFinding } from './finding.ts';

export interface LeakageOptions
  extends Pick<
    TrainingOptions,
    | (
        | 'plan'
        | 'spinePlan'
        | 'service'
        | 'version'
        | 'history'
        | 'spine'
        | 'time'
        | 'labels'
        | 'known'
        | 'before'
      )
    | ('functions' | 'callNetworks')
    | ('servingDelayMs' | 'session' | 'duckdb' | 'signal' | 'onProgress')
  > {
  /** Columns of the spine that are to be predicted; those of `labels` are too. */
  readonly labelColumns: readonly string[];
  /** The spine's column that says when a label came about. */
  readonly labelTime: string | null;
}

export interface LeakageReport {
  readonly service: string;
  readonly version: number;
  readonly rows: number;
  readonly sampledRows: number;
  readonly labels: readonly string[];
  /** The worst first. */
  readonly findings: readonly LeakFinding[];
  /** Checks that were made, and why the others were not. */
  readonly checks: Readonly<Record<LeakCheck, string>>;
  readonly throughCommit: number;
}
