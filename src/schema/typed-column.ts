import type { Column } from './batch.ts';
import type { ValueProblem } from './read-value.ts';

/** Values that came with their type, and what is wrong with some of them by index. */
export interface TypedColumn {
  readonly column: Column;
  readonly problems: ReadonlyMap<number, ValueProblem>;
}
