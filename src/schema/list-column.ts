import type { Column } from './batch.ts';

/** Lists over the rows of a chunk: that of row i is `counts[i]` values from `starts[i]` on. */
export interface ListColumn {
  readonly starts: Float64Array;
  /** 0 of a list that is null. */
  readonly counts: Float64Array;
  readonly values: Column;
}
