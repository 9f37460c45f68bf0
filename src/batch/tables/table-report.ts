import { AsofError } from '../../base/errors.ts';

export interface TableRows {
  readonly read: number;
  readonly inserted: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly duplicates: number;
  /** From the future: they wait for a later run. */
  readonly pending: number;
  /** Taken back; not among those read. */
  readonly retracted: number;
}

export interface UnitFailure {
  readonly unit: string;
  readonly error: AsofError;
}

/** What a run did with one table. */
export interface TableReport {
  readonly table: string;
  readonly ok: boolean;
  readonly units: {
    readonly found: number;
    readonly read: number;
    /** Not opened, as nothing of them has changed. */
    readonly skipped: number;
    /** With rows that were appended or taken back. */
    readonly changed: number;
    readonly failed: number;
  };
  readonly rows: TableRows;
  /** Units that are not upstream any more, and still count unless they were removed. */
  readonly vanished: readonly string[];
  readonly removed: boolean;
  readonly notes: readonly string[];
  readonly failures: readonly UnitFailure[];
  /** At which all of it is applied; 0 where nothing was appended. */
  readonly commit: number;
}

/** Counts a run together, and holds that no row was lost on the way. */
export class TableTally {
  readonly #table: string;
  readonly #notes = new Set<string>();
  readonly #rows = {
    ...{ read: 0, inserted: 0, unchanged: 0, rejected: 0, duplicates: 0, pending: 0, retracted: 0 },
  };
  readonly #units = { found: 0, read: 0, skipped: 0, changed: 0 };
  readonly #failures: UnitFailure[] = [];
  vanished: readonly string[] = [];
  removed = false;
  commit = 0;

  constructor(table: string) {
    this.#table = table;
  }

  get rowsRead(): number {
    return this.#rows.read;
  }

  get failed(): number {
    return this.#failures.length;
  }

  add(rows: Partial<TableRows>): void {
    for (const [name, count] of Object.entries(rows)) {
      this.#rows[name as keyof TableRows] += count;
    }
  }

  count(name: 'found' | 'read' | 'skipped' | 'changed', by = 1): void {
    this.#units[name] += by;
  }

  note(text: string): void {
    this.#notes.add(text);
  }

  /** @throws what is no fault of the unit */
  fail(unit: string, error: unknown): void {
    if (!(error instanceof AsofError)) throw error;
    this.#failures.push({ unit, error });
  }

  /** @throws AsofError `rows_lost` if rows that were read are in no count */
  report(): TableReport {
    const { read, inserted, unchanged, rejected, duplicates, pending } = this.#rows;
    const accounted = inserted + unchanged + rejected + duplicates + pending;
    if (read !== accounted) {
      throw new AsofError(
        'rows_lost',
        `'${this.#table}': ${read} rows were read, and ${accounted} are accounted for.`,
      );
    }
    return {
      table: this.#table,
      ok: this.#failures.length === 0,
      units: { ...this.#units, failed: this.#failures.length },
      rows: { ...this.#rows },
      vanished: this.vanished,
      removed: this.removed,
      notes: [...this.#notes],
      failures: this.#failures,
      commit: this.commit,
    };
  }
}
