import type { TableFromPlan } from '../../plan/plan.ts';

export type FilesFrom = Extract<TableFromPlan, { kind: 'files' }>;

/** One upstream file. */
export interface UpstreamFile {
  /** Relative to the project's folder where it lies below it, with `/`. */
  readonly name: string;
  /** What DuckDB opens. */
  readonly path: string;
  /** Values of the declared hive columns; null is Hive's default partition. */
  readonly hive: ReadonlyMap<string, string | null>;
  /** Changes with the file, and is known without opening it. */
  readonly print: string;
  /** When its content last changed; null of a remote file. */
  readonly changedMs: number | null;
}
