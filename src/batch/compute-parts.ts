import { present } from '../base/assert.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { attributeColumns, attributePasses, NEWEST } from './attribute-pass.ts';
import type { FeatureWork } from './feature-work.ts';
import { factsOf } from './group-facts.ts';
import { planPasses, statesOf } from './plan-passes.ts';
import type { Visibility } from './point-tables.ts';
import { createGroupTables, dropGroupTables } from './point-tables.ts';
import { runPass } from './run-pass.ts';
import { cutSessions } from './session-ranges.ts';
import { partColumns } from './state-sql.ts';
import type { Strategy } from './strategy.ts';
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
    const plan = planPasses(work, tables, facts, states, request.forced);
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
      await runPass(session, tables, pass, table, run);
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
