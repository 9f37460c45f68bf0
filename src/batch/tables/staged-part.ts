import type { RefusedRow, UpstreamRows } from './upstream-rows.ts';
import type { CellCheck } from './value-sql.ts';

/** The session's table of upstream rows. */
export const STAGE = 'asof_stage';

/** What the letters of a staged part need. */
export interface StagedPart {
  readonly part: number;
  readonly what: string;
  readonly checks: readonly (CellCheck & { readonly column: string | null })[];
  readonly placeOf: UpstreamRows['placeOf'];
  readonly refused: readonly RefusedRow[];
  /** Where a unit cannot be told by its rows: what the part belongs to. */
  readonly unit: string;
  /** Rows read, those that could not be read as rows included. */
  readonly rows: number;
}
