import type { DuckDBConnection } from '@duckdb/node-api';
import { AsofError } from '../base/errors.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { SourceSchema } from '../schema/types.ts';
import { reachMs } from '../store/window-reach.ts';
import type { FeatureWork } from './feature-work.ts';
import { POINTS } from './point-tables.ts';
import type { WorkWindow } from './work-group.ts';

/** The offline events that a training set or a replay reads; `History` is one. */
export interface EventRelations {
  /** The last commit that is read. */
  readonly through: number;
  /** Makes the offline relation of a source known to a connection and answers its name. */
  attach(connection: DuckDBConnection, source: SourceSchema): Promise<string>;
  /** Events up to this time are no longer complete: retention let go of some. Absent: all are there. */
  removedThroughMs?(source: string): number | null;
}

/** Attaches what a work reads. @throws AsofError `history_removed` */
export async function attachSources(
  session: DuckDbSession,
  work: FeatureWork,
  history: EventRelations,
): Promise<ReadonlyMap<string, string>> {
  await requireWholeHistory(session, work, history);
  const relations = new Map<string, string>();
  for (const { source } of work.groups) {
    if (relations.has(source.name)) continue;
    relations.set(source.name, await history.attach(session.connection, source));
  }
  return relations;
}

/** A value of a window that reaches to where events were let go would be wrong without a word. */
async function requireWholeHistory(
  session: DuckDbSession,
  work: FeatureWork,
  history: EventRelations,
): Promise<void> {
  for (const { source, windows } of work.groups) {
    const removedMs = history.removedThroughMs?.(source.name) ?? null;
    if (removedMs === null) continue;
    const [[earliest] = []] = await session.rows(`SELECT min(t) FROM ${POINTS}`);
    if (earliest === null || earliest === undefined) continue;
    if (Number(earliest) - longestMs(windows) > removedMs) continue;
    const through = new Date(removedMs).toISOString();
    throw new AsofError(
      'history_removed',
      `Rows at ${new Date(Number(earliest)).toISOString()} need events of '${source.name}' that ` +
        `retention removed: those through ${through}.`,
      { path: `sources.${source.name}` },
    );
  }
}

function longestMs(windows: readonly WorkWindow[]): number {
  return windows.reduce((longest, window) => {
    const ownMs = window.kind === 'session' ? Number.POSITIVE_INFINITY : reachMs([window]);
    return Math.max(longest, ownMs);
  }, 0);
}
