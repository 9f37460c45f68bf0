/** The bounds of nearest-neighbor search. */
export const NEIGHBOR_LIMITS = {
  /** Neighbors that one request may ask for. */
  neighborsMax: 500,
  /** Rows that are read for one answer, so that enough are left where a filter takes some away. */
  neighborCandidates: 4_000,
  /** Of an answer without a filter: so many rows more are read than are asked for. */
  neighborsSpare: 16,
  /** Keys that a request may restrict the search to. */
  neighborKeys: 4_000,
  /** Conditions of one request. */
  neighborConditions: 16,
  /** Up to so many vectors all of them are looked at, and the search is exact. */
  neighborsExact: 2_000,
  /** Memory of one index; vectors beyond it are not found. */
  neighborIndexBytes: 2 * 1024 * 1024 * 1024,
  /** Links of a vector in the index, and how far it is searched: when added, and when asked. */
  neighborLinks: 16,
  neighborsWhenAdded: 64,
  neighborsWhenAsked: 128,
  /** What has changed is looked for so often, and for so long at a time, in ms. */
  neighborsEveryMs: 50,
  neighborsSliceMs: 4,
  /** The same while an index is built: readers wait for it, others for whatever it takes. */
  neighborsBuildMs: 20,
  /** One search in so many is compared with all vectors. */
  neighborSampling: 64,
} as const;
