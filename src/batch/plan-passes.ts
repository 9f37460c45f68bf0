import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { isAttribute } from './attribute-pass.ts';
import { directSql } from './direct-pass.ts';
import { directEntriesSql, type EntryInput, tileEntriesSql } from './entry-pass.ts';
import { type EntrySql, entrySql } from './entry-sql.ts';
import { registerWideVariance, varianceFits } from './exact-sql.ts';
import { type FeatureWork, ranksOf } from './feature-work.ts';
import type { PassInput } from './pass.ts';
import type { GroupTables } from './point-tables.ts';
import { prefixSql } from './prefix-pass.ts';
import { runningSql } from './running-pass.ts';
import { type StateSql, stateSql } from './state-sql.ts';
import {
  chooseStrategy,
  eventsInWindow,
  type GroupFacts,
  heldEntries,
  joinBucketMs,
  STRATEGIES,
  type Strategy,
  tileWidthMs,
  unseenBucketMs,
} from './strategy.ts';
import { tileSql } from './tile-pass.ts';
import type { PartNeed, WorkGroup } from './work-group.ts';

/** Null of an attribute: its pass knows neither states nor entries. */
export type AccumulatorSql = StateSql | EntrySql | null;

function isEntry(sql: AccumulatorSql | undefined): sql is EntrySql {
  return sql !== undefined && sql !== null && 'summary' in sql;
}

/** The states of the group's accumulators; squares are split where a variance could overflow. */
export async function statesOf(
  session: DuckDbSession,
  work: FeatureWork,
  tables: GroupTables,
  facts: GroupFacts,
): Promise<AccumulatorSql[]> {
  const { group, lanes, events } = tables;
  const states: AccumulatorSql[] = [];
  for (const [index, accumulator] of group.accumulators.entries()) {
    const lane = lanes[accumulator.lane] ?? null;
    if (accumulator.fn === 'latest') {
      states.push(null);
      continue;
    }
    let split = false;
    if (accumulator.fn === 'sum_squares' && lane !== null) {
      const [row] = await session.rows(
        `SELECT coalesce(max(abs(CAST(${lane} AS HUGEINT))), 0) FROM ${events}`,
      );
      const magnitude = BigInt(String(row?.[0] ?? 0));
      split = !varianceFits(BigInt(facts.events), magnitude, scaleOf(work, group, index));
      if (split) await registerWideVariance(session.connection);
    }
    const how = { splitSquares: split, weighted: group.retractable };
    const ranksPpm = ranksOf(work, group.index, index);
    const entry = entrySql(accumulator, lane, { retractable: group.retractable, ranksPpm });
    states.push(entry ?? stateSql(accumulator, lane, how));
  }
  return states;
}

/** The greatest scale of the features that read an accumulator. */
function scaleOf(work: FeatureWork, group: WorkGroup, accumulator: number): number {
  const scales = work.views
    .flatMap((view) => [...view.aggregates.values()])
    .filter((one) => one.group === group.index && one.parts.sumSquares === accumulator)
    .map((one) => one.feature.scale);
  return Math.max(0, ...scales);
}

/** One pass over the tables of a group. */
export interface Pass {
  readonly strategy: Strategy;
  readonly needs: readonly PartNeed[];
  /** Over the whole tables or a slice of them: `r` and the columns of the parts. */
  readonly sqlOf: (tables: GroupTables) => string;
  /** Bytes that DuckDB must hold at once for all rows, and cannot spill. */
  readonly heldBytes: number;
  /** Of a walk, which makes the tables that its own SQL reads: `sqlOf` has nothing to say then. */
  readonly sweep: { readonly input: EntryInput; readonly most: number } | null;
}

/** Bytes of one event in a list or heap that is being aggregated. */
export const BYTES_OF_ENTRY = 64;

export function planPasses(
  work: FeatureWork,
  tables: GroupTables,
  facts: GroupFacts,
  sqls: readonly AccumulatorSql[],
  forced: Strategy | null,
): Pass[] {
  const { group, visibility } = tables;
  const others = group.needs.filter((need) => !isAttribute(tables, need));
  const chosen = Map.groupBy(others, (need) =>
    chooseStrategy(group, need, facts, visibility, forced),
  );
  const states = sqls.map((sql) => (isEntry(sql) ? null : sql));
  return STRATEGIES.flatMap((strategy): Pass[] => {
    const all = chosen.get(strategy) ?? [];
    const entries = all.flatMap((need): Pass[] => {
      const entry = sqls[need.accumulator];
      if (!isEntry(entry)) return [];
      return [entryPass(work, { tables, entry, need }, strategy, facts)];
    });
    const needs = all.filter((need) => !isEntry(sqls[need.accumulator]));
    return [...statePasses({ tables, states, needs }, strategy, facts), ...entries];
  });
}

function entryPass(
  work: FeatureWork,
  input: EntryInput,
  strategy: Strategy,
  facts: GroupFacts,
): Pass {
  const { tables, need, entry } = input;
  const pass = { strategy, needs: [need], heldBytes: 0, sweep: null };
  if (strategy === 'sweep') {
    const most = mostEntries(work, tables.group.index, need.accumulator);
    return { ...pass, sqlOf: () => '', sweep: { input, most } };
  }
  const found = Math.ceil(facts.rows * eventsInWindow(facts, need.window));
  if (strategy === 'direct') {
    const bucketMs = joinBucketMs(facts, [need.window]);
    const sqlOf = (own: GroupTables): string =>
      directEntriesSql({ tables: own, entry, need }, bucketMs);
    return { ...pass, sqlOf, heldBytes: found * BYTES_OF_ENTRY };
  }
  const widthMs = tileWidthMs(facts, need.window, heldEntries(tables.group, need));
  const sqlOf = (own: GroupTables): string => tileEntriesSql({ tables: own, entry, need }, widthMs);
  return { ...pass, sqlOf, heldBytes: found * BYTES_OF_ENTRY };
}

/** How many entries of one row features look at, at most. */
function mostEntries(work: FeatureWork, group: number, accumulator: number): number {
  const counts = work.views
    .flatMap((view) => [...view.aggregates.values()])
    .filter((one) => one.group === group && one.parts.value === accumulator)
    .map(({ feature }) => feature.count ?? 1);
  return Math.max(1, ...counts);
}

function statePasses(input: PassInput, strategy: Strategy, facts: GroupFacts): Pass[] {
  const { needs } = input;
  if (needs.length === 0) return [];
  const windows = [...new Set(needs.map((need) => need.window))];
  const pass = { strategy, needs, heldBytes: 0, sweep: null };
  switch (strategy) {
    case 'direct': {
      const bucketMs = joinBucketMs(facts, windows);
      return [{ ...pass, sqlOf: (tables) => directSql({ ...input, tables }, bucketMs) }];
    }
    case 'prefix':
      return [
        { ...pass, sqlOf: (tables) => prefixSql({ ...input, tables }, unseenBucketMs(facts)) },
      ];
    case 'running':
      return [{ ...pass, sqlOf: (tables) => runningSql({ ...input, tables }) }];
    default:
      return windows.map((window) => {
        const own = needs.filter((need) => need.window === window);
        const widthMs = tileWidthMs(facts, window);
        const sqlOf = (tables: GroupTables): string =>
          tileSql({ ...input, tables, needs: own }, window, widthMs);
        return { ...pass, needs: own, sqlOf };
      });
  }
}
