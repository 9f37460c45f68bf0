/** By which measure vectors are near: a greater cosine or dot product, a smaller distance. */
export type NeighborMetric = 'cosine' | 'dot' | 'distance';

/** A vector of a view whose nearest neighbors can be asked for. */
export interface NeighborPlan {
  readonly feature: string;
  readonly metric: NeighborMetric;
}
