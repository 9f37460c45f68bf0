import { LIMITS } from '../base/limits.ts';
import { distanceWithin } from '../base/suggest.ts';
import type { EventBatch } from '../schema/batch.ts';
import { facingSchema, formerNames, newestVersion } from '../schema/evolution.ts';
import { parseJson } from '../schema/json.ts';
import { type SourceSchema, sameType, typeText, type ValueType } from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import type { RowProblem } from './row-problem.ts';
import { commonType, typeCode, typeOfSent } from './sent-type.ts';

export type DriftKind = 'unknown' | 'retyped' | 'missing';

/** One column that rows have in another way than is declared. */
export interface DriftColumn {
  readonly kind: DriftKind;
  /** As producers call it. */
  readonly column: string;
  /** Rows that showed it, at least; of a column that is missing, those since it was seen. */
  readonly rows: number;
  /** When it was first and last shown; of a missing column, null where no row has brought it. */
  readonly firstSeenMs: number | null;
  readonly lastSeenMs: number | null;
  /** What was sent looks like this; null where that cannot be told. */
  readonly sentType: string | null;
  /** What is declared; null of an unknown column. */
  readonly declaredType: string | null;
  readonly guess: DriftGuess | null;
  /** What to write in the definition so that such rows are taken. */
  readonly declaration: string;
}

export interface DriftGuess {
  readonly kind: 'renamed' | 'added' | 'retyped';
  /** The declared column that it was before, where it was renamed. */
  readonly from: string | null;
}

export interface DriftReport {
  readonly source: string;
  /** The newest one. */
  readonly schemaVersion: number;
  /** What was seen since the door was opened. */
  readonly columns: readonly DriftColumn[];
  /** Refusals of columns for which there was no room in the report. */
  readonly others: number;
}

interface Seen {
  readonly kind: DriftKind;
  readonly column: string;
  rows: number;
  firstSeenMs: number;
  lastSeenMs: number;
  type: ValueType | null;
  /** Declared columns that no row had beside it. */
  absent: Set<string> | null;
}

/**
 * How rows drift away from what is declared: names that are unknown, values of another type, and
 * columns that no longer come. Bounded, whatever is sent.
 */
export class SourceDrift {
  readonly #schema: SourceSchema;
  /** Names that were given up, with the index of their column. */
  readonly #former: ReadonlyMap<string, number> | null;
  readonly #seen = new Map<string, Seen>();
  #others = 0;
  /** By column: accepted rows since one had a value, and when that one arrived. */
  readonly #quietRows: Float64Array;
  readonly #valueMs: Float64Array;

  constructor(source: SourceSchema) {
    this.#schema = facingSchema(source);
    this.#former = formerNames(source);
    this.#quietRows = new Float64Array(source.columns.length);
    this.#valueMs = new Float64Array(source.columns.length).fill(Number.NaN);
  }

  /** A row that was refused; its text is looked at for a few rows of each push. */
  refuse({ column, problem }: RowProblem, raw: (() => string | Uint8Array) | null, nowMs: number) {
    const kind = KINDS[problem.code];
    if (kind === undefined || column === null) return;
    const fields = raw === null ? null : this.#presentFields(fieldsOf(raw()));
    if (kind !== 'unknown') {
      this.#note(kind, column, nowMs, fields === null ? null : fields.get(column), null);
      return;
    }
    const known = new Set(this.#schema.columns.map(({ name }) => name));
    const absent = fields === null ? null : new Set([...known].filter((name) => !fields.has(name)));
    this.#note(kind, column, nowMs, fields?.get(column), absent);
    for (const [name, value] of fields ?? []) {
      if (name !== column && !known.has(name)) this.#note(kind, name, nowMs, value, absent);
    }
  }

  /** What a row calls by a name of an earlier version is known by that. */
  #presentFields(fields: ReadonlyMap<string, unknown> | null): ReadonlyMap<string, unknown> | null {
    if (fields === null || this.#former === null) return fields;
    const named = new Map<string, unknown>();
    for (const [name, value] of fields) {
      const index = this.#former.get(name);
      named.set(index === undefined ? name : (this.#schema.columns[index]?.name ?? name), value);
    }
    return named;
  }

  #note(
    kind: DriftKind,
    column: string,
    nowMs: number,
    value: unknown,
    absent: ReadonlySet<string> | null,
  ): void {
    const key = `${kind} ${column}`;
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      if (this.#seen.size >= LIMITS.driftColumns || column.length > LIMITS.driftNameChars) {
        this.#others += 1;
        return;
      }
      const none = { rows: 0, firstSeenMs: nowMs, lastSeenMs: nowMs, type: null, absent: null };
      seen = { kind, column, ...none };
      this.#seen.set(key, seen);
    }
    seen.rows += 1;
    seen.lastSeenMs = nowMs;
    const type = typeOfSent(value);
    if (type !== null) seen.type = seen.type === null ? type : commonType(seen.type, type);
    if (absent === null) return;
    const before = seen.absent;
    seen.absent = new Set(before === null ? absent : [...before].filter((one) => absent.has(one)));
  }

  /** Rows that were taken. */
  accept({ columns, count, arrivalTimeMs, retractions }: EventBatch): void {
    if (retractions !== null && retractions !== undefined) return;
    for (const [index, { valid }] of columns.entries()) {
      if (valid === null || valid.includes(1)) {
        this.#quietRows[index] = 0;
        this.#valueMs[index] = arrivalTimeMs[count - 1] ?? Number.NaN;
      } else this.#quietRows[index] = (this.#quietRows[index] ?? 0) + count;
    }
  }

  report(): DriftReport {
    const seen = [...this.#seen.values()].map((one) => this.#shown(one));
    const quiet = this.#schema.columns.flatMap(({ name, type, optional }, index): DriftColumn[] => {
      const rows = this.#quietRows[index] ?? 0;
      if (!optional || rows < LIMITS.driftQuietRows) return [];
      const lastMs = this.#valueMs[index] ?? Number.NaN;
      return [
        {
          ...{ kind: 'missing', column: name, rows, firstSeenMs: null, sentType: null },
          lastSeenMs: Number.isNaN(lastMs) ? null : lastMs,
          declaredType: typeText(type),
          guess: null,
          declaration: `Nothing, as '${name}' is optional; or take it out of columns.`,
        },
      ];
    });
    return {
      source: this.#schema.name,
      schemaVersion: newestVersion(this.#schema),
      columns: [...seen, ...quiet],
      others: this.#others,
    };
  }

  #shown({ absent, type, ...seen }: Seen): DriftColumn {
    const declared = this.#schema.columns.find(({ name }) => name === seen.column) ?? null;
    return {
      ...seen,
      sentType: type === null ? null : typeText(type),
      declaredType: declared === null ? null : typeText(declared.type),
      ...this.#advice(seen, type, absent ?? new Set()),
    };
  }

  #advice(
    { kind, column }: Pick<Seen, 'kind' | 'column'>,
    type: ValueType | null,
    absent: ReadonlySet<string>,
  ): Pick<DriftColumn, 'guess' | 'declaration'> {
    const version = newestVersion(this.#schema) + 1;
    if (kind === 'unknown') return this.#adviceOnUnknown(column, type, absent, version);
    const declared = this.#schema.columns.find(({ name }) => name === column);
    if (declared === undefined) return { guess: null, declaration: '' };
    const code = typeCode(declared.type);
    if (kind === 'missing') {
      const declaration = `columns: { ${column}: ${code}.optional() }, or .default(…)`;
      return { guess: null, declaration };
    }
    const guess = { kind: 'retyped', from: null } as const;
    if (type === null)
      return { guess, declaration: `Give values that are no ${code} a new column.` };
    const wide = widerOf(declared.type, type);
    return {
      guess,
      declaration:
        wide === null
          ? `columns: { ${column}_new: ${typeCode(type)}.optional() }; no ${code} becomes a ${typeCode(type)}`
          : `columns: { ${column}: ${typeCode(wide)} }, evolution: [{ version: ${version}, widen: { ${column}: ${code} } }]`,
    };
  }

  /** Renamed, where a column of that type is never there beside it and is called much the same. */
  #adviceOnUnknown(
    column: string,
    type: ValueType | null,
    absent: ReadonlySet<string>,
    version: number,
  ): Pick<DriftColumn, 'guess' | 'declaration'> {
    const fitting = this.#schema.columns.filter(
      (one) => absent.has(one.name) && (type === null || isOfType(type, one.type)),
    );
    const near = fitting
      .map((one) => ({ one, distance: nameDistance(column, one.name) }))
      .filter(({ distance }) => distance !== null)
      .sort((a, b) => (a.distance ?? 0) - (b.distance ?? 0));
    const only = fitting.filter(({ optional, default: given }) => !optional && given === undefined);
    const from = near[0]?.one ?? (only.length === 1 ? only[0] : undefined);
    if (from !== undefined) {
      return {
        guess: { kind: 'renamed', from: from.name },
        declaration:
          `columns: { ${column}: ${typeCode(from.type)} } in place of ${from.name}, ` +
          `evolution: [{ version: ${version}, rename: { ${from.name}: '${column}' } }]`,
      };
    }
    const code = type === null ? 'string()' : typeCode(type);
    return {
      guess: { kind: 'added', from: null },
      declaration: `columns: { ${column}: ${code}.optional() }, evolution: [{ version: ${version}, add: ['${column}'] }]`,
    };
  }
}

const KINDS: Readonly<Partial<Record<string, DriftKind>>> = {
  unknown_column: 'unknown',
  missing_column: 'missing',
  wrong_type: 'retyped',
};

/** Half of the longer name may differ, or one be the beginning of the other. */
function nameDistance(a: string, b: string): number | null {
  if (a.startsWith(b) || b.startsWith(a)) return 1;
  return distanceWithin(a, b, Math.floor(Math.max(a.length, b.length) / 2));
}

function isOfType(sent: ValueType, declared: ValueType): boolean {
  if (sameType(sent, declared) || isWidening(sent, declared)) return true;
  // Epoch milliseconds, and texts that happen to be times.
  if (declared.kind === 'timestamp') return sent.kind === 'int64';
  return declared.kind === 'string' && sent.kind === 'timestamp';
}

/** What the declared type can be widened to so that it holds what was sent. */
function widerOf(declared: ValueType, sent: ValueType): ValueType | null {
  return isWidening(declared, sent) ? sent : null;
}

/** The fields of a row, those of the parts of an envelope included. */
function fieldsOf(raw: string | Uint8Array): ReadonlyMap<string, unknown> | null {
  if (typeof raw !== 'string' || raw.length > LIMITS.driftRowChars) return null;
  try {
    const row: unknown = parseJson(raw);
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return null;
    const fields = new Map<string, unknown>();
    for (const [name, value] of Object.entries(row)) {
      const isPart = (name === 'before' || name === 'after') && typeof value === 'object';
      if (!isPart) fields.set(name, value);
      else for (const [inner, held] of Object.entries(value ?? {})) fields.set(inner, held);
    }
    return fields;
  } catch {
    return null;
  }
}
