import { AsofError } from '../../base/errors.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { selectFresh, type UnitCounts, type UnitSum } from './fresh-rows.ts';
import type { TableRun } from './send-changes.ts';
import type { Stage } from './stage.ts';
import type { TableTally } from './table-report.ts';
import type { TableSource } from './table-source.ts';
import type { TableNow } from './tables-world.ts';
import { comesFirst, notBeforeMs, noteArrival } from './unit-arrival.ts';
import { diffUnits, loadLive, nameUnits, type UnitDiff } from './unit-diff.ts';
import type { UnitGate } from './unit-gate.ts';
import { unitLetters } from './unit-letters.ts';
import type { UnitState, UnitStates } from './unit-states.ts';

export interface BatchContext {
  readonly session: DuckDbSession;
  readonly table: TableSource;
  /** The relation of the table's events, as of the beginning of the run. */
  readonly events: string;
  readonly stage: Stage;
  readonly states: UnitStates;
  readonly tally: TableTally;
  readonly gate: UnitGate;
  readonly definition: string;
  readonly now: TableNow;
  readonly backdate: boolean;
  /** Null of a dry run. */
  readonly run: TableRun | null;
  readonly onRows: (rows: number) => void;
}

/** A unit whose staged rows are all that it is now. */
export interface BatchUnit {
  readonly unit: string;
  readonly print: string;
}

const NOTHING: Omit<UnitCounts, 'unit'> = {
  ...{ good: 0, rejected: 0, duplicates: 0, pending: 0, nextPendingMs: null },
  ...{ checksum: '0', newestEventMs: null },
};

/**
 * Makes the live rows of some units what is staged of them. Units that may not be as they are fail
 * by themselves; whatever throws is a failure of all.
 */
export async function materializeUnits(
  context: BatchContext,
  given: readonly BatchUnit[],
  isRemoval = false,
): Promise<void> {
  const { session, table, tally } = context;
  const { counts, failed } = await selectFresh(session, table, context.now.dueMs);
  const byUnit = new Map(counts.map((one) => [one.unit, one]));
  const refused = refusedRows(context);
  const read = (unit: string): UnitCounts => {
    const found = byUnit.get(unit) ?? { ...NOTHING, unit };
    return { ...found, rejected: found.rejected + (refused.get(unit) ?? 0) };
  };
  const sound = given.filter(({ unit }) => {
    const error = failed.get(unit) ?? (isRemoval ? null : emptied(context, read(unit)));
    if (error !== null) tally.fail(unit, error);
    return error === null;
  });
  const suspects = sound.filter(
    ({ unit }) => mayDiffer(context, read(unit)) || hasNewLetters(context.states, read(unit)),
  );
  const live = await liveOf(context, suspects);
  const whole = suspects.filter(({ unit }) => {
    const error = isRemoval ? null : lost(context, unit, read(unit), live.get(unit));
    if (error !== null) tally.fail(unit, error);
    return error === null;
  });
  const refusals = isRemoval ? new Map() : await judge(context, whole, read, live);
  for (const [unit, error] of refusals) tally.fail(unit, error);
  const kept = whole.filter(({ unit }) => !refusals.has(unit));
  const same = sound.filter((one) => !suspects.includes(one));
  const first = new Set(
    kept
      .map(({ unit }) => unit)
      .filter((unit) => comesFirst(context.states.get(unit), read(unit), live.get(unit))),
  );
  await nameUnits(
    session,
    kept.map(({ unit }) => ({ unit, notBeforeMs: notBeforeMs(context, first.has(unit)) })),
  );
  const diffs = kept.length === 0 ? [] : await diffUnits(session, table, context.now.nowMs);
  if (diffs.some(({ unit, inserted }) => inserted > 0 && first.has(unit)))
    noteArrival(context, tally);
  await append(context, { kept, same, diffs, read, first });
}

/** The units that are about to change into what they must not be. */
function judge(
  { gate, states, definition }: BatchContext,
  units: readonly BatchUnit[],
  read: (unit: string) => UnitCounts,
  live: ReadonlyMap<string, UnitSum>,
): Promise<Map<string, AsofError>> {
  const gated = units.flatMap(({ unit }) => {
    const { good, checksum, rejected, duplicates, pending } = read(unit);
    const state = states.get(unit);
    const now = live.get(unit);
    const isSame = now?.rows === good && now.checksum === checksum;
    // Half of it is appended, so it has been let through before.
    const isUnderWay = state?.writing === true && state.checksum === checksum;
    const isKnown = isSame && !hasNewLetters(states, read(unit));
    if (isKnown || isUnderWay) return [];
    const isWhole = state !== undefined && !state.writing && state.definition === definition;
    const counts = { rows: good, rejected, read: good + rejected + duplicates + pending };
    const rows = now?.rows ?? 0;
    // Half of the rows before and of those after may be more than there ever were.
    const had = state?.writing === true ? Math.min(rows, state.rows) : rows;
    return [{ unit, ...counts, live: had, before: isWhole ? rows : 0 }];
  });
  return gate.judge(gated);
}

/** The live rows of units, by unit; none where no unit may differ. */
async function liveOf(
  { session, table, events }: BatchContext,
  units: readonly BatchUnit[],
): Promise<ReadonlyMap<string, UnitSum>> {
  if (units.length === 0) return new Map();
  const named = units.map(({ unit }) => ({ unit, notBeforeMs: 0 }));
  await nameUnits(session, named);
  return loadLive(session, table, events, named);
}

interface Appended {
  readonly kept: readonly BatchUnit[];
  readonly same: readonly BatchUnit[];
  readonly diffs: readonly UnitDiff[];
  readonly read: (unit: string) => UnitCounts;
  /** Units that come for the first time. */
  readonly first: ReadonlySet<string>;
}

async function append(context: BatchContext, batch: Appended): Promise<void> {
  const { session, table, stage, states, tally, run } = context;
  const { kept, same, diffs, read, first } = batch;
  const changed = diffs.filter(({ inserted, retracted }) => inserted + retracted > 0);
  const isChanged = new Set(changed.map(({ unit }) => unit));
  const changes = changed.reduce((sum, one) => sum + one.inserted + one.retracted, 0);
  const all = [...kept, ...same];
  const stateOf = (unit: BatchUnit, writing: boolean): UnitState => ({
    ...nextState(context, unit, read(unit.unit), writing),
    first: first.has(unit.unit),
  });
  if (run !== null) {
    // Rows that are taken back may come again in another unit, in this run or one that goes on.
    if (diffs.some(({ retracted }) => retracted > 0)) states.looked(run.commit);
    const writing = kept.filter(({ unit }) => isChanged.has(unit));
    if (writing.length > 0)
      states.publish(
        writing.map((one) => stateOf(one, true)),
        run.commit,
      );
    const news = all.filter(({ unit }) => hasNewLetters(states, read(unit)));
    const units = new Set(news.map(({ unit }) => unit));
    for await (const rows of unitLetters(session, table, stage.parts, units))
      await run.refuse(rows);
    if (changes > 0) await run.send(session, changes, context.onRows);
    states.publish(
      all.map((one) => stateOf(one, false)),
      run.commit,
      { looks: context.gate.looks },
    );
    tally.commit = run.commit;
  }
  tally.count('changed', changed.length);
  for (const { unit } of all)
    count(
      tally,
      read(unit),
      diffs.find((one) => one.unit === unit),
    );
}

function count(tally: TableTally, read: UnitCounts, diff: UnitDiff | undefined): void {
  const { good, rejected, duplicates, pending } = read;
  tally.add({
    read: good + rejected + duplicates + pending,
    ...{ rejected, duplicates, pending },
    inserted: diff?.inserted ?? 0,
    unchanged: diff?.unchanged ?? good,
    retracted: diff?.retracted ?? 0,
  });
}

/** Parts of text files that are no rows, by unit. */
function refusedRows({ stage }: BatchContext): Map<string, number> {
  const rows = new Map<string, number>();
  for (const { unit, refused } of stage.parts) {
    rows.set(unit, (rows.get(unit) ?? 0) + refused.length);
  }
  return rows;
}

/** What is known of a unit may say that it is what it was. */
function mayDiffer({ states, definition }: BatchContext, read: UnitCounts): boolean {
  const state = states.get(read.unit);
  if (state === undefined || state.writing || state.definition !== definition) return true;
  return state.rows !== read.good || state.checksum !== read.checksum;
}

function emptied({ states, table }: BatchContext, read: UnitCounts): AsofError | null {
  return emptiedFrom(table, read, states.get(read.unit)?.rows ?? 0);
}

/** A unit in which nothing counts any more is a mistake upstream, unless it is declared not to be. */
function emptiedFrom({ origin }: TableSource, read: UnitCounts, rows: number): AsofError | null {
  if (read.good > 0 || rows === 0 || origin.mayBeEmpty) return null;
  const now =
    read.rejected + read.pending === 0
      ? 'and has none now'
      : `and of ${read.rejected + read.duplicates + read.pending} now, none counts (${read.rejected} rejected, ${read.pending} from the future)`;
  return new AsofError('upstream_empty', `'${read.unit}' had ${rows} rows, ${now}.`, {
    path: read.unit,
  });
}

/** What the history has of a unit must be what was noted of it. */
function lost(
  { states, table, definition }: BatchContext,
  unit: string,
  read: UnitCounts,
  live: UnitSum | undefined,
): AsofError | null {
  const state = states.get(unit);
  const rows = live?.rows ?? 0;
  const isComparable = state !== undefined && !state.writing && state.definition === definition;
  if (isComparable && (state.rows !== rows || state.checksum !== (live?.checksum ?? '0'))) {
    return new AsofError(
      'rows_lost',
      `'${unit}' had ${state.rows} live rows at commit ${state.commit}; the history has ${rows}, or others.`,
      { path: unit },
    );
  }
  return emptiedFrom(table, read, rows);
}

/** Letters are written once for a content, however often its file is touched. */
function hasNewLetters(states: UnitStates, read: UnitCounts): boolean {
  if (read.rejected + read.duplicates === 0) return false;
  const state = states.get(read.unit);
  return (
    state === undefined ||
    state.writing ||
    state.rejected !== read.rejected ||
    state.checksum !== read.checksum
  );
}

function nextState(
  { definition, run }: BatchContext,
  { unit, print }: BatchUnit,
  read: UnitCounts,
  writing: boolean,
): Omit<UnitState, 'first'> {
  return {
    ...{ unit, print, definition, writing },
    rows: read.good,
    checksum: read.checksum,
    rejected: read.rejected,
    pendingMs: read.nextPendingMs,
    newestEventMs: read.newestEventMs,
    commit: run?.commit ?? 0,
  };
}
