/** What the values of one column look like: kept with datasets, compared by gates. */
export interface ColumnStatistics {
  readonly name: string;
  /** DuckDB's name of the column's type. */
  readonly type: string;
  readonly rows: number;
  readonly nulls: number;
  /** Different values that are not null; of very many rows an estimate, the same for the same values. */
  readonly distinct: number;
  /** Null where the column has no numbers, and nothing that can be counted as one. */
  readonly numbers: NumberStatistics | null;
}

/** Finite numbers only. Moments and bounds are of all rows, quantiles of a fixed sample of them. */
export interface NumberStatistics {
  /** `time` is epoch milliseconds; `length` is of texts and lists. */
  readonly of: 'value' | 'time' | 'length';
  readonly count: number;
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly sd: number;
  readonly quantiles: Quantiles;
  /** Median and 95th percentile of the absolute values that are not 0; null where all are. */
  readonly scale: { readonly median: number; readonly p95: number } | null;
}

export interface Quantiles {
  readonly p01: number;
  readonly p05: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
  readonly p99: number;
}
