import type { DuckDBConnection } from '@duckdb/node-api';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { FeatureWork } from './feature-work.ts';

/** The offline events that a training set or a replay reads; `History` is one. */
export interface EventRelations {
  /** The last commit that is read. */
  readonly through: number;
  /** Makes the offline relation of a source known to a connection and answers its name. */
  attach(connection: DuckDBConnection, source: SourceSchema): Promise<string>;
}

export async function attachSources(
  session: DuckDbSession,
  work: FeatureWork,
  history: EventRelations,
): Promise<ReadonlyMap<string, string>> {
  const relations = new Map<string, string>();
  for (const { source } of work.groups) {
    if (relations.has(source.name)) continue;
    relations.set(source.name, await history.attach(session.connection, source));
  }
  return relations;
}
