import { matchesGlob } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { columnCalled } from '../../schema/evolution.ts';
import { UNIT_COLUMN } from '../../schema/types.ts';
import { STAGE } from './staged-part.ts';
import type { TableTally } from './table-report.ts';
import { isFloored, type TableSource, zoneOf } from './table-source.ts';
import type { MaterializeOptions, TableProgress, TablesWorld } from './tables-world.ts';
import { type BatchContext, materializeUnits } from './unit-batch.ts';
import type { SchemaRules } from './upstream-schema.ts';

/** One run of one table. */
export class TableWork {
  readonly world: TablesWorld;
  readonly table: TableSource;
  readonly batch: BatchContext;
  readonly options: MaterializeOptions;
  readonly rules: SchemaRules;
  #units = 0;
  #unitsDone = 0;
  #rows = 0;

  constructor(
    world: TablesWorld,
    table: TableSource,
    batch: BatchContext,
    options: MaterializeOptions,
  ) {
    this.world = world;
    this.table = table;
    this.batch = batch;
    this.options = options;
    const { source, origin } = table;
    const times = [source.eventTime, source.arrivalTime].filter((name) => name !== null);
    this.rules = {
      declared: table.declared,
      rename: origin.rename,
      timeZone: zoneOf(origin),
      finerTimes: isFloored(origin) ? { knownAt: source.arrivalTime } : null,
      times: new Set(times),
      mayLack: new Set(
        [...options.allowMissing].map((name) => columnCalled(source.columns, name)?.name ?? name),
      ),
      evolution: source,
    };
  }

  /** The same, with another relation of the table's events. */
  withEvents(events: string): TableWork {
    return new TableWork(this.world, this.table, { ...this.batch, events }, this.options);
  }

  get tally(): TableTally {
    return this.batch.tally;
  }

  begin(units: number): void {
    this.#units = units;
    this.progress('reading');
  }

  unitDone(rows: number): void {
    this.#unitsDone += 1;
    this.#rows = rows;
    this.progress('reading');
  }

  /** Rows of what is being read. */
  rowsRead(rows: number): void {
    this.#rows = rows;
    this.progress('reading');
  }

  progress(phase: TableProgress['phase']): void {
    this.options.onProgress?.({
      table: this.table.source.name,
      ...{ phase, units: this.#units, unitsDone: this.#unitsDone },
      rowsRead: this.tally.rowsRead + this.#rows,
    });
  }

  /** Whether what is read at a time may have changed; counts its units as skipped where not. */
  isScopeDue(scope: string): boolean {
    const { states, definition, now } = this.batch;
    const all = states.all();
    const isKnown = states.scope === `${definition} ${scope}`;
    const isDue = (at: number | null): boolean => at !== null && at <= now.dueMs;
    if (!isKnown || all.some(({ writing, pendingMs }) => writing || isDue(pendingMs))) return true;
    this.tally.count('found', all.length);
    this.tally.count('skipped', all.length);
    return false;
  }
}

/**
 * Compares all that is staged, where units are told by rows; then `scope` is noted as what it was
 * read from, unless it is null, or not all of it could be taken.
 */
export async function stagedUnits(work: TableWork, scope: string | null): Promise<void> {
  const { batch, tally, options, table } = work;
  const rows = await batch.session.rows(
    `SELECT DISTINCT ${UNIT_COLUMN} FROM ${STAGE} WHERE ${UNIT_COLUMN} IS NOT NULL ORDER BY ALL`,
  );
  const named = rows.map(([unit]) => String(unit));
  // Rows that name no unit are dead letters of a unit without a name.
  const unnamed = await batch.session.rows(
    `SELECT 1 FROM ${STAGE} WHERE ${UNIT_COLUMN} IS NULL LIMIT 1`,
  );
  const single = table.unitBy === null ? batch.stage.parts.map(({ unit }) => unit) : [];
  const found = [...new Set([...named, ...single, ...unnamed.map(() => '')])];
  requireRows(work, named.length);
  const wanted = found.filter((unit) => options.unit === null || matchesGlob(unit, options.unit));
  tally.count('found', found.length);
  tally.count('read', wanted.length);
  work.progress('comparing');
  const there = new Set(found);
  const { known, fresh } = newLast(work, wanted, (unit) => unit);
  foreseeVanished(work, there);
  for (const some of [known, fresh]) {
    if (some === fresh) foreseeFailed(work);
    const units = some.map((unit) => ({ unit, print: '' }));
    if (some.length > 0) await materializeUnits(batch, units);
  }
  await removeVanished(work, there);
  const isWhole = wanted.length === found.length && tally.failed === 0;
  if (batch.run !== null && isWhole) {
    const noted = scope === null ? null : `${batch.definition} ${scope}`;
    batch.states.publish([], batch.run.commit, { scope: noted });
  }
}

function requireRows({ batch, table }: TableWork, units: number): void {
  const had = batch.states.all().reduce((sum, { rows }) => sum + rows, 0);
  if (units > 0 || had === 0 || table.origin.mayBeEmpty || table.unitBy === null) return;
  throw new AsofError(
    'upstream_empty',
    `'${table.source.name}' had ${had} rows, and has none now.`,
    {
      path: table.source.name,
    },
  );
}

/** Units that were there before come first: what they lose may be in new ones. */
export function newLast<T>(
  { batch }: TableWork,
  units: readonly T[],
  nameOf: (unit: T) => string,
): { readonly known: T[]; readonly fresh: T[] } {
  const isKnown = (unit: T): boolean => batch.states.get(nameOf(unit)) !== undefined;
  return { known: units.filter(isKnown), fresh: units.filter((unit) => !isKnown(unit)) };
}

/** Rows of units that are gone may be in new ones, and count until they are taken back. */
export function foreseeVanished({ batch }: TableWork, there: ReadonlySet<string>): void {
  if (vanishedFrom(batch, there).length > 0) batch.states.looked(batch.run?.commit ?? 0);
}

/** And so may rows of units that fail, and keep what was live. */
export function foreseeFailed({ batch, tally }: TableWork): void {
  if (tally.failed > 0) batch.states.looked(batch.run?.commit ?? 0);
}

function vanishedFrom({ states }: BatchContext, there: ReadonlySet<string>): string[] {
  return states
    .all()
    .filter(({ unit, rows, writing }) => !there.has(unit) && (rows > 0 || writing))
    .map(({ unit }) => unit);
}

/** Units that are not upstream any more are told of; their rows go only where that is asked for. */
export async function removeVanished(
  { batch, options, tally }: TableWork,
  there: ReadonlySet<string>,
): Promise<void> {
  const vanished = vanishedFrom(batch, there).filter(
    (unit) => options.unit === null || matchesGlob(unit, options.unit),
  );
  tally.vanished = vanished;
  tally.removed = options.removeMissing && !options.dryRun;
  if (!options.removeMissing || vanished.length === 0) return;
  await batch.stage.clear();
  await materializeUnits(
    batch,
    vanished.map((unit) => ({ unit, print: '' })),
    true,
  );
}
