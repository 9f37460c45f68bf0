export interface ForgottenTables {
  /** Runs that removed somebody; none of it says whom. */
  readonly forgotten: {
    id: string;
    state: string;
    started_ms: number;
    finished_ms: number | null;
    author: string;
    /** JSON; null until it is done. */
    record: string | null;
  };
  /** Datasets that a run has taken rows from, or what rows were computed from. */
  readonly forgotten_datasets: {
    forgotten: string;
    name: string;
    number: number;
    rows_removed: number;
    built_on: number;
  };
}
