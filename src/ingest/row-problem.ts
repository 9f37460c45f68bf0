import type { ValueProblem } from '../schema/read-value.ts';

/** What is wrong with a row, and in which column. */
export interface RowProblem {
  readonly column: string | null;
  readonly problem: ValueProblem;
  /** Arrival less event time of a row that is refused for nothing else. */
  readonly lateMs?: number;
  /** Nothing is wrong with the row: it would be taken at another time, or in another commit. */
  readonly passes?: true;
}
