import type { ValueProblem } from './read-value.ts';

/** Rows as JSON gives them. */
export type JsonRow = Readonly<Record<string, unknown>>;

/** Where builders report, by row of the chunk, what does not fit; the first report of a row wins. */
export interface RowReports {
  readonly problems: Map<number, { readonly column: string; readonly problem: ValueProblem }>;
  /** How many of its columns each row has. */
  readonly present: Uint16Array;
  /** 1 for rows of the chunk that need not have the column, as a delete need not. */
  readonly waived?: Uint8Array;
  /**
   * The digits of a number as they were sent, for values that a double cannot hold; null if the
   * row never was text.
   */
  numberText(row: number, column: string): string | null;
}

/** Storage of one column while rows are read into it; slots of rejected rows are left behind. */
export interface ColumnStore {
  readonly values: Float64Array | Uint8Array | Float32Array | string[];
  /** Exact values of the slots whose number is no safe integer. */
  wide: BigInt64Array | null;
  valid: Uint8Array | null;
}
