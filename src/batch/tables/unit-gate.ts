import { AsofError, type Issue, issue } from '../../base/errors.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import { presentName } from '../../schema/evolution.ts';
import { checkUnitAgainstHistory, type Finding } from '../gates/judge.ts';
import { type LearnedColumn, learn } from '../gates/learn.ts';
import { FRESH } from './fresh-rows.ts';
import type { TableTally } from './table-report.ts';
import type { TableSource } from './table-source.ts';
import { LIVE } from './unit-diff.ts';
import { type UnitLook, unitLooks, withLook } from './unit-looks.ts';

/** A unit that is about to change. */
export interface GatedUnit {
  readonly unit: string;
  /** Staged rows that count. */
  readonly rows: number;
  /** Staged rows that do not fit, and all that were read. */
  readonly rejected: number;
  readonly read: number;
  /** Live rows that it had, whatever they meant; 0 where it is new. */
  readonly live: number;
  /** Live rows that are what the unit was; 0 where it is new, or half written. */
  readonly before: number;
}

/** A unit that was let through though it failed. */
export interface AcceptedUnit {
  readonly unit: string;
  readonly rows: number;
  readonly reason: string;
  readonly findings: readonly string[];
}

export interface UnitGateOptions {
  readonly session: DuckDbSession;
  readonly table: TableSource;
  readonly tally: TableTally;
  /** What earlier units looked like. */
  readonly looks: readonly UnitLook[];
  /** Optional columns that upstream may lack: their nulls are wanted. */
  readonly allowMissing: ReadonlySet<string>;
  /** Why units that fail are let through; null: they are not. */
  readonly accept: string | null;
  /** Is told of each before anything of it is appended; not in a dry run. */
  readonly onAccepted: (unit: AcceptedUnit) => void;
}

/** What fewer rows look like is by chance, and not worth a note. */
const TELLING_ROWS = 20;
/** From so many rows on it is no chance that most of them are lost, or are rejected. */
const MANY_ROWS = 10;
/** The largest twentieth of fewer values is by chance what it is. */
const VALUES_OF_TAIL = 200;

/**
 * Compares units with what the table's units have looked like, and with what is declared of its
 * columns, before anything of them is appended. Units that pass are learned from.
 */
export class UnitGate {
  readonly #options: UnitGateOptions;
  #looks: readonly UnitLook[];
  readonly #warned = new Set<string>();

  constructor(options: UnitGateOptions) {
    this.#options = options;
    this.#looks = options.looks;
  }

  get looks(): readonly UnitLook[] {
    return this.#looks;
  }

  /** The staged units that must not go on, in the order given. */
  async judge(units: readonly GatedUnit[]): Promise<Map<string, AsofError>> {
    const { session, table } = this.#options;
    const failed = new Map<string, AsofError>();
    const filled = units.filter(({ rows }) => rows > 0);
    const fresh = filled.length === 0 ? new Map() : await unitLooks(session, table, FRESH, filled);
    const known = new Set(this.#looks.map(({ unit }) => unit));
    // What the newest looks have forgotten, a unit's own rows still tell.
    const forgotten = filled
      .filter(({ unit, before }) => before > 0 && !known.has(unit))
      .map(({ unit, before }) => ({ unit, rows: before }));
    const own =
      forgotten.length === 0 ? new Map() : await unitLooks(session, table, LIVE, forgotten);
    for (const unit of units) {
      const statistics: readonly ColumnStatistics[] = fresh.get(unit.unit) ?? [];
      const error = this.#judge(unit, statistics, own.get(unit.unit));
      if (error !== null) failed.set(unit.unit, error);
      else if (unit.rows > 0) this.#looks = withLook(this.#looks, { unit: unit.unit, statistics });
    }
    return failed;
  }

  #judge(
    given: GatedUnit,
    statistics: readonly ColumnStatistics[],
    own: readonly ColumnStatistics[] | undefined,
  ): AsofError | null {
    const { table, tally, accept, onAccepted } = this.#options;
    const { unit, rows } = given;
    const looks = this.#looks.map((look) => look.statistics);
    const learned = this.#loosened(learn(own === undefined ? looks : [...looks, own]), statistics);
    const { expectations } = table.origin;
    // How many rows a unit has says little, as units differ; that one has lost most of its own does.
    const { findings: found } =
      rows === 0 ? { findings: [] } : checkUnitAgainstHistory(statistics, learned, expectations);
    const findings = [
      ...this.#shrunk(given),
      ...mostlyRejected(given),
      ...found.filter(({ rule }) => rule !== 'rows'),
    ];
    for (const { result, column, rule, message } of findings) {
      const about = `${column} ${rule}`;
      if (result !== 'warn' || rows < TELLING_ROWS || this.#warned.has(about)) continue;
      this.#warned.add(about);
      tally.note(`${unit}: ${message}`);
    }
    const failures = findings.filter(({ result }) => result === 'fail');
    if (failures.length === 0) return null;
    if (accept === null) return refusal(table.source.name, unit, failures);
    const messages = failures.map(({ message }) => message);
    onAccepted({ unit, rows, reason: accept, findings: messages });
    tally.note(`${unit} was let through (${accept}): ${messages.join(' ')}`);
    return null;
  }

  /** What tells nothing of a column is left out of what was learned of it. */
  #loosened(
    learned: ReadonlyMap<string, LearnedColumn>,
    statistics: readonly ColumnStatistics[],
  ): ReadonlyMap<string, LearnedColumn> {
    const { table, allowMissing } = this.#options;
    const { origin, unitBy } = table;
    const hive = origin.from.kind === 'files' ? origin.from.hive : [];
    // Names go on, and so do days: numbers among them grow without being another unit of measure.
    const names = new Set([...origin.key, ...hive, ...(unitBy === null ? [] : [unitBy])]);
    const kept = new Map<string, LearnedColumn>();
    const mayLack = new Set(
      table.declared
        .filter((column) => allowMissing.has(presentName(column)))
        .map(({ name }) => name),
    );
    for (const { name, numbers } of statistics) {
      const known = learned.get(name);
      if (known === undefined || mayLack.has(name)) continue;
      const isDeclared = (origin.expectations[name]?.medianFactorMax ?? null) !== null;
      if (names.has(name) && !isDeclared) {
        const distinct = { low: 0, high: 0 };
        kept.set(name, { ...known, ...NO_NUMBERS, distinct });
        continue;
      }
      const values = Math.min(known.values, (numbers?.count ?? 0) - (numbers?.zeros ?? 0));
      const isMixed = (known.min?.low ?? 0) < 0 && (known.max?.high ?? 0) > 0;
      kept.set(name, {
        ...known,
        // The middle of values around 0 has no sign, and no size, of its own.
        median: isMixed && !isDeclared ? null : known.median,
        scaleP95: values < VALUES_OF_TAIL ? null : known.scaleP95,
      });
    }
    return kept;
  }

  #shrunk({ rows, live }: GatedUnit): Finding[] {
    const { origin } = this.#options.table;
    // That it has no rows at all any more is another error.
    if (origin.mayBeEmpty || live < MANY_ROWS || rows === 0 || rows * 2 >= live) return [];
    const message = `${rows} rows, and there were ${live} before.`;
    return [{ result: 'fail', column: null, rule: 'rows', message }];
  }
}

function mostlyRejected({ rejected, read }: GatedUnit): Finding[] {
  if (read < MANY_ROWS || rejected * 2 <= read) return [];
  const message = `${rejected} of ${read} rows do not fit, and would be rejected.`;
  return [{ result: 'fail', column: null, rule: 'rows', message }];
}

const NO_NUMBERS = { min: null, max: null, median: null, scale: null, scaleP95: null };

function refusal(table: string, unit: string, failures: readonly Finding[]): AsofError {
  const issues = failures.map(({ column, message }): Issue => {
    const path = `${table}, unit ${unit}${column === null ? '' : `, column ${column}`}`;
    return issue('unit_refused', path, message, REMEDY);
  });
  const [first] = failures;
  const more = failures.length > 1 ? ` And ${failures.length - 1} more.` : '';
  const message = `'${unit}' is not like what is expected: ${first?.message ?? ''}${more}`;
  return new AsofError('unit_refused', message, { path: `${table}, unit ${unit}`, issues });
}

const REMEDY =
  'Mend it upstream; if it is right, correct what is declared of the column, or let it through ' +
  'with --accept "reason".';
