import type { Scalar } from '../../schema/types.ts';
import type { NeighborIndex } from './neighbors.ts';

/** What is searched for: known once the request has passed the door. */
export interface Search {
  readonly index: NeighborIndex;
  readonly query: Float32Array;
  /** The entity whose vector it is, which is no neighbor of itself. */
  readonly self: string | null;
  /** Rows that are read: candidates of the index, or all that may be answered. */
  readonly rows: readonly Readonly<Record<string, Scalar>>[];
  /** Whether more rows would be read by asking for more. */
  readonly isCut: boolean;
}
