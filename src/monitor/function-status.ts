/** On-demand functions since the start, and what is kept of their answers. */
export interface FunctionsStatus {
  readonly functions: readonly FunctionStatus[];
  /** Calls that were not made, as their answer was kept, or was waited for by another request. */
  readonly cacheHits: number;
  readonly shared: number;
  /** Answers that are kept. */
  readonly cached: number;
  /** Processes that were ended by a call that went beyond its bounds. */
  readonly processesEnded: number;
}

/** One function of a service; where several services have the same one, its counts are of all. */
export interface FunctionStatus {
  readonly service: string;
  readonly name: string;
  readonly version: number;
  readonly calls: number;
  readonly errors: number;
  readonly timeouts: number;
  /** Why the last call that failed did. */
  readonly lastFailure: string | null;
  /** It was cut off again and again, and no call is made for a while. */
  readonly isLeftAlone: boolean;
}
