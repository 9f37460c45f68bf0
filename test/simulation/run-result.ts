export interface RunResult {
  readonly seed: number;
  /** What was wrong, the first of it; none if all was right. */
  readonly problems: readonly string[];
  readonly simulatedMs: number;
  readonly steps: number;
  readonly events: number;
  readonly answers: number;
  /** What happened, and how often. */
  readonly seen: ReadonlyMap<string, number>;
}
