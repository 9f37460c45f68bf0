/** An index of the vectors of one feature. */
export interface NeighborStatusLine {
  readonly view: string;
  readonly version: number;
  readonly feature: string;
  readonly vectors: number;
  /** Vectors for which there was no room. */
  readonly left: number;
  readonly bytes: number;
  readonly isExact: boolean;
  /** What it contains all of; -1 while it is built. */
  readonly commit: number;
  readonly searches: number;
  /** Of the searches that were done again exactly: nearest wanted, and of these found. */
  readonly sampled: number;
  readonly recalled: number;
}
