import { present } from '../base/assert.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { attributeColumns, attributePasses, isAttribute, NEWEST } from './attribute-pass.ts';
import { directSql } from './direct-pass.ts';
import { directEntriesSql, tileEntriesSql } from './entry-pass.ts';
import { type EntrySql, entrySql } from './entry-sql.ts';
import { registerWideVariance, varianceFits } from './exact-sql.ts';
import { type FeatureWork, ranksOf } from './feature-work.ts';
import type { PassInput } from './pass.ts';
import type { Visibility } from './point-tables.ts';
import { createGroupTables, dropGroupTables, type GroupTables } from './point-tables.ts';
import { prefixSql } from './prefix-pass.ts';
import { runningSql } from './running-pass.ts';
import { cutSessions } from './session-ranges.ts';
import { partColumns, type StateSql, stateSql } from './state-sql.ts';
import {
  chooseStrategy,
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

export interface PartsRequest {
  readonly session: DuckDbSession;
  readonly work: FeatureWork;
  readonly visibility: Visibility;
  /** The offline relation of a source. */
  readonly relationOf: (source: string) => string;
  readonly forced: Strategy | null;
  readonly signal: AbortSignal | null;
  /** Called as phases begin and advance; `share` of the whole is in [0, 1]. */
  readonly onPhase: (phase: string, share: number) => void;
}

export interface ComputedParts {
  /** Tables `r, part…`, one a pass; rows without events may be absent. */
  readonly passes: readonly string[];
  /** SQL of each part's columns, for a query that joins all passes by their names. */
  readonly columnsOf: (group: number, need: PartNeed) => string[];
  /** SQL of whether a row's window cannot be told, or null where it always can. */
  readonly badOf: (group: number, window: number) => string | null;
  readonly strategies: Readonly<Partial<Record<Strategy, number>>>;
}

/** Computes every part that the work needs for every row of `asof_points`. */
export async function computeParts(request: PartsRequest): Promise<ComputedParts> {
  const { session, work, signal } = request;
  const run: RunOptions = signal === null ? {} : { signal };
  const passes: string[] = [];
  const bad = new Map<string, string>();
  const columns = new Map<string, string[]>();
  const strategies: Partial<Record<Strategy, number>> = {};
  for (const group of work.groups) {
    const share = (step: number): number => (group.index + step) / work.groups.length;
    request.onPhase(`read ${group.source.name}`, share(0));
    const tables = await createGroupTables(
      session,
      {
        group,
        visibility: request.visibility,
        relation: request.relationOf(group.source.name),
        keyIndexes: keyIndexesOf(work, group),
      },
      signal ?? undefined,
    );
    await cutSessions(session, tables, run);
    const facts = await factsOf(session, tables);
    const states = await statesOf(session, work, tables, facts);
    const plan = planPasses(request, tables, facts, states);
    for (const window of badWindows(group)) {
      const table = `asof_pass_${passes.length}`;
      const sql = `SELECT r, bad${window} AS bad FROM ${tables.rows} WHERE bad${window}`;
      await session.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${sql}`, run);
      passes.push(table);
      bad.set(`${group.index} ${window}`, `${table}.bad`);
    }
    const attributes = await attributePasses(session, tables, run);
    for (const { needs, sql } of attributes) {
      const table = `asof_pass_${passes.length}`;
      await session.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${sql}`, run);
      passes.push(table);
      strategies.running = (strategies.running ?? 0) + needs.length;
      for (const need of needs) {
        const names = attributeColumns(need).map((name) => `${table}.${name}`);
        columns.set(partKey(group.index, need), names);
      }
    }
    if (attributes.length > 0) await session.run(`DROP TABLE ${NEWEST}`, run);
    for (const [at, pass] of plan.entries()) {
      request.onPhase(`join ${group.source.name}`, share(0.4 + (0.6 * at) / plan.length));
      const table = `asof_pass_${passes.length}`;
      await session.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${pass.sql}`, run);
      passes.push(table);
      strategies[pass.strategy] = (strategies[pass.strategy] ?? 0) + pass.needs.length;
      for (const need of pass.needs) {
        const names = partColumns(need, present(states[need.accumulator], 'a part'));
        const key = partKey(group.index, need);
        columns.set(
          key,
          names.map((name) => `${table}.${name}`),
        );
      }
    }
    await dropGroupTables(session, tables);
  }
  const columnsOf = (group: number, need: PartNeed): string[] =>
    present(columns.get(partKey(group, need)), 'the part was computed');
  const badOf = (group: number, window: number): string | null =>
    bad.get(`${group} ${window}`) ?? null;
  return { passes, columnsOf, badOf, strategies };
}

/** Sessions of events that can be taken back: their chain may go on among what is not kept. */
function badWindows(group: WorkGroup): number[] {
  if (!group.retractable) return [];
  return group.windows.flatMap((window, at) => (window.kind === 'session' ? [at] : []));
}

function partKey(group: number, need: PartNeed): string {
  return `${group} ${need.accumulator} ${need.window}`;
}

function keyIndexesOf(work: FeatureWork, group: WorkGroup): number[] {
  return group.entity.joinKeys.map((key) =>
    work.service.joinKeys.findIndex((asked) => asked.name === key.name),
  );
}

async function factsOf(session: DuckDbSession, tables: GroupTables): Promise<GroupFacts> {
  const { rows, events, group } = tables;
  const [eventRow] = await session.rows(
    `SELECT count(*), coalesce(min(et), 0), coalesce(max(et), 0),
       coalesce(avg(greatest(visible - et, 0)), 0), coalesce(max(visible - et), 0) FROM ${events}`,
  );
  const [events_, oldest, newest, delayMs, delayMsMax] = (eventRow ?? []).map(Number);
  const spans = group.windows.map(
    (_, at) =>
      `coalesce(avg(greatest(least(e${at}, ${newest} + 1) - greatest(s${at}, ${oldest}), 0)), 0)`,
  );
  const [rowFacts] = await session.rows(
    `SELECT count(*), coalesce(avg(coalesce(n, 0)), 0), ${spans.join(', ')}
     FROM ${rows} LEFT JOIN (SELECT k, count(*) AS n FROM ${events} GROUP BY k) USING (k)`,
  );
  const [rowCount, eventsPerRow, ...windowSpansMs] = (rowFacts ?? []).map(Number);
  return {
    rows: rowCount ?? 0,
    events: events_ ?? 0,
    eventsPerRow: eventsPerRow ?? 0,
    spanMs: Math.max(1, (newest ?? 0) - (oldest ?? 0) + 1),
    windowSpansMs,
    delayMs: delayMs ?? 0,
    delayMsMax: delayMsMax ?? 0,
  };
}

/** Null of an attribute: its pass knows neither states nor entries. */
type AccumulatorSql = StateSql | EntrySql | null;

function isEntry(sql: AccumulatorSql | undefined): sql is EntrySql {
  return sql !== undefined && sql !== null && 'summary' in sql;
}

/** The states of the group's accumulators; squares are split where a variance could overflow. */
async function statesOf(
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

interface Pass {
  readonly strategy: Strategy;
  readonly needs: readonly PartNeed[];
  readonly sql: string;
}

function planPasses(
  request: PartsRequest,
  tables: GroupTables,
  facts: GroupFacts,
  sqls: readonly AccumulatorSql[],
): Pass[] {
  const { group, visibility } = tables;
  const others = group.needs.filter((need) => !isAttribute(tables, need));
  const chosen = Map.groupBy(others, (need) =>
    chooseStrategy(group, need, facts, visibility, request.forced),
  );
  const states = sqls.map((sql) => (isEntry(sql) ? null : sql));
  return STRATEGIES.flatMap((strategy): Pass[] => {
    const all = chosen.get(strategy) ?? [];
    const entries = all.flatMap((need): Pass[] => {
      const entry = sqls[need.accumulator];
      if (!isEntry(entry)) return [];
      const input = { tables, entry, need };
      const sql =
        strategy === 'direct'
          ? directEntriesSql(input, joinBucketMs(facts, [need.window]))
          : tileEntriesSql(input, tileWidthMs(facts, need.window, heldEntries(group, need)));
      return [{ strategy, needs: [need], sql }];
    });
    const needs = all.filter((need) => !isEntry(sqls[need.accumulator]));
    return [...statePasses({ tables, states, needs }, strategy, facts), ...entries];
  });
}

function statePasses(input: PassInput, strategy: Strategy, facts: GroupFacts): Pass[] {
  const { needs } = input;
  if (needs.length === 0) return [];
  const windows = [...new Set(needs.map((need) => need.window))];
  switch (strategy) {
    case 'direct':
      return [{ strategy, needs, sql: directSql(input, joinBucketMs(facts, windows)) }];
    case 'prefix':
      return [{ strategy, needs, sql: prefixSql(input, unseenBucketMs(facts)) }];
    case 'running':
      return [{ strategy, needs, sql: runningSql(input) }];
    default:
      return windows.map((window) => {
        const own = needs.filter((need) => need.window === window);
        const sql = tileSql({ ...input, needs: own }, window, tileWidthMs(facts, window));
        return { strategy, needs: own, sql };
      });
  }
}
