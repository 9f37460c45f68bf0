import type { ExprNode } from '../expr/node.ts';

/** The rows of a training set. */
export type SpinePlan =
  /** Relative to the project's folder. */
  | { readonly kind: 'file'; readonly path: string; readonly time: string | null }
  /** DuckDB SQL over the named sources. */
  | {
      readonly kind: 'query';
      readonly upstreams: Readonly<Record<string, string>>;
      readonly sql: string;
      readonly time: string | null;
    }
  /** One row for every event of a source that passes the filter, in `[fromMs, toMs)` of event time. */
  | {
      readonly kind: 'events';
      readonly source: string;
      readonly fromMs: number | null;
      readonly toMs: number | null;
      readonly filter: ExprNode | null;
      /** Output column → column of the source: join keys, request fields, whatever else to keep. */
      readonly columns: Readonly<Record<string, string>>;
    };
