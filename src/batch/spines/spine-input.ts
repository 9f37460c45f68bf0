import { AsofError } from '../../base/errors.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';
import type { ProjectPlan, ServicePlan } from '../../plan/plan.ts';
import { type KeptSpine, loadKeptSpine } from '../datasets/kept-spine.ts';
import type { EventRelations } from '../event-relations.ts';
import { loadSpine, type Spine } from '../spine.ts';
import type { SpineRows } from '../spine-source.ts';
import { EVENT_SPINE_TIME, type EventSpine, eventSpineSql } from './event-spine.ts';
import { QUERY_SPINE, type QuerySpine, querySpineSql, unknownSource } from './query-spine.ts';

/** Rows to be enriched, and where they come from. */
export type SpineSource =
  | SpineRows
  | { readonly kept: KeptSpine }
  | { readonly query: QuerySpine }
  | { readonly events: EventSpine };

export interface SpineRequest {
  readonly plan: ProjectPlan;
  readonly history: EventRelations;
  /** With the join keys and request fields that the spine must have. */
  readonly service: ServicePlan;
  readonly source: SpineSource;
  readonly time: string | null;
  readonly out: string;
  /** Shows ids as the spine has them, where they would be tokens. */
  readonly keepIds?: boolean;
}

/** @throws AsofError `invalid_spine`, and by the kind of spine, as its reader says */
export async function readSpine(
  session: DuckDbSession,
  request: SpineRequest,
  options: RunOptions,
): Promise<Spine> {
  const { source, service, time, out, plan, history, keepIds = false } = request;
  if ('kept' in source) return loadKeptSpine(session, source.kept, options);
  if ('query' in source) {
    const relation = await querySpineSql(session, source.query, { plan, history }, time, options);
    const spine = await loadSpine(session, { relation }, service, time, out, options, keepIds);
    await session.run(`DROP TABLE ${QUERY_SPINE}`);
    return spine;
  }
  if ('events' in source) {
    const { events } = source;
    const plannedSource = plan.sources.find((one) => one.name === events.source);
    if (plannedSource === undefined) throw unknownSource(plan, events.source);
    if (time !== null && time !== EVENT_SPINE_TIME) {
      throw new AsofError('usage', `The time of a spine of events is '${EVENT_SPINE_TIME}'.`, {
        remedy: 'Leave out --time, or write the spine as a query.',
      });
    }
    const relation = eventSpineSql(
      events,
      plannedSource,
      await history.attach(session.connection, plannedSource),
      [...service.joinKeys, ...service.request.filter((field) => !field.optional)].map(
        ({ name }) => name,
      ),
    );
    return loadSpine(session, { relation }, service, EVENT_SPINE_TIME, out, options);
  }
  return loadSpine(session, source, service, time, out, options, keepIds);
}
