import { LIMITS } from '../base/limits.ts';
import { WANTED_BOUNDS, type WantedBounds } from './wanted-keys.ts';

/** How much is done at a time, and how long things wait. */
export interface PublishPortions {
  /** Rows, and their bytes, that are encoded in one synchronous step. */
  readonly sliceRows: number;
  readonly sliceBytes: number;
  /** Rows in memory, and on disk, that a group that is written whole takes up in one go. */
  readonly buildRows: number;
  readonly coldRows: number;
  readonly everyMs: number;
  readonly checkMs: number;
  readonly retiredMs: number;
  /** Of groups of which only what is read is published. */
  readonly wanted: WantedBounds;
}

export const PUBLISH_PORTIONS: PublishPortions = {
  sliceRows: LIMITS.publishSliceRows,
  sliceBytes: LIMITS.publishSliceBytes,
  buildRows: LIMITS.publishBuildRows,
  coldRows: LIMITS.publishColdRows,
  everyMs: LIMITS.publishEveryMs,
  checkMs: LIMITS.publishCheckMs,
  retiredMs: LIMITS.retiredRowsMs,
  wanted: WANTED_BOUNDS,
};
