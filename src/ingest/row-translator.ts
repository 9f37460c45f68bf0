import { AsofError } from '../base/errors.ts';
import {
  columnsAt,
  facingSchema,
  formerNames,
  isRetyped,
  namesOf,
  newestVersion,
  type VersionColumn,
} from '../schema/evolution.ts';
import { readValue, ValueProblem } from '../schema/read-value.ts';
import type { JsonRow } from '../schema/row-reports.ts';
import { type SourceSchema, typeText } from '../schema/types.ts';
import type { RowProblem } from './row-problem.ts';

/** By present name: the digits of a number of a row as they were sent, or null. */
type NumberText = (slot: number, name: string) => string | null;
type TextOf = (name: string) => string | null;

/**
 * Rows of any schema version under the present names of their columns. Without a pinned version
 * every name is understood that ever was one; with it those of that version alone, and a value must
 * be of the type that its column had then.
 */
export class RowTranslator {
  readonly #source: string;
  readonly #pinned: number | null;
  /** Present names by what rows may call them; of a pinned version those alone. */
  readonly #names: ReadonlyMap<string, string>;
  /** Present names, and by them all that rows may call a column. */
  readonly #known: ReadonlyMap<string, readonly string[]>;
  /** Of a pinned version: names of other versions alone. */
  readonly #others: ReadonlySet<string>;
  readonly #retyped: readonly VersionColumn[];
  readonly #isEnvelope: boolean;

  /** Null where rows need none: nothing was ever renamed, and no version is asked for. */
  static of(schema: SourceSchema, pinned: number | null): RowTranslator | null {
    if (pinned === null && formerNames(schema) === null) return null;
    return new RowTranslator(schema, pinned);
  }

  private constructor(schema: SourceSchema, pinned: number | null) {
    const present = facingSchema(schema).columns.map(({ name }) => name);
    const of = (index: number): string => present[index] ?? '';
    this.#source = schema.name;
    this.#pinned = pinned;
    this.#isEnvelope = schema.changes?.shape === 'envelope';
    const version = pinned === null ? null : columnsAt(schema, pinned);
    this.#names = new Map(
      version === null
        ? [...(formerNames(schema) ?? [])].map(([name, index]) => [name, of(index)])
        : version.map(({ name, index }) => [name, of(index)]),
    );
    this.#known = Map.groupBy(this.#names.keys(), (name) => this.#names.get(name) ?? name);
    const ever = schema.columns.flatMap((column) => namesOf(schema, column));
    this.#others = new Set(ever.filter((name) => !this.#names.has(name)));
    this.#retyped = (version ?? []).filter((column) => isRetyped(schema, column));
  }

  /** Rows under present names; what is wrong with one of them is noted by its slot. */
  translate(
    rows: readonly JsonRow[],
    start: number,
    problems: Map<number, RowProblem>,
    numberText: NumberText,
  ): readonly JsonRow[] {
    let translated: JsonRow[] | null = null;
    for (const [i, row] of rows.entries()) {
      if (problems.has(start + i)) continue;
      const made = this.#row(row, (name) => numberText(start + i, name));
      if (made === null) continue;
      translated ??= [...rows];
      translated[i] = made instanceof Translated ? made.row : NO_COLUMNS;
      if (!(made instanceof Translated)) problems.set(start + i, made);
    }
    return translated ?? rows;
  }

  /** The digits of a number under whatever name it was sent. */
  numberText(column: string, textOf: TextOf): string | null {
    const own = this.#pinned === null ? textOf(column) : null;
    if (own !== null) return own;
    for (const name of this.#known.get(column) ?? []) {
      const text = textOf(name);
      if (text !== null) return text;
    }
    return null;
  }

  /** Null where the row is left as it is. */
  #row(row: JsonRow, textOf: TextOf): Translated | RowProblem | null {
    const beside = this.#part(row, textOf, this.#isEnvelope);
    if (!this.#isEnvelope || (beside !== null && !(beside instanceof Translated))) return beside;
    let made = beside === null ? null : { ...beside.row };
    for (const name of PARTS) {
      const given = Object.hasOwn(row, name) ? row[name] : null;
      if (typeof given !== 'object' || given === null || Array.isArray(given)) continue;
      const part = this.#part(given as JsonRow, textOf, false);
      if (part === null) continue;
      if (!(part instanceof Translated)) return part;
      made ??= { ...row };
      made[name] = part.row;
    }
    return made === null ? null : new Translated(made);
  }

  #part(row: JsonRow, textOf: TextOf, isBeside: boolean): Translated | RowProblem | null {
    if (this.#pinned !== null) return this.#pinnedPart(row, this.#pinned, textOf, isBeside);
    let made: Record<string, unknown> | null = null;
    for (const [former, name] of this.#names) {
      if (!Object.hasOwn(row, former) || row[former] === undefined) continue;
      made ??= { ...row };
      if (Object.hasOwn(made, name) && made[name] !== undefined) return ambiguous(former, name);
      made[name] = made[former];
      delete made[former];
    }
    return made === null ? null : new Translated(made);
  }

  #pinnedPart(
    row: JsonRow,
    version: number,
    textOf: TextOf,
    isBeside: boolean,
  ): Translated | RowProblem {
    const fields: [string, unknown][] = [];
    for (const [given, value] of Object.entries(row)) {
      const name = this.#names.get(given);
      if (name !== undefined) fields.push([name, value]);
      else if (isBeside && !this.#others.has(given)) fields.push([given, value]);
      else if (value !== undefined) return this.#unknown(given, version);
    }
    for (const { name, type } of this.#retyped) {
      const value = Object.hasOwn(row, name) ? (row[name] ?? null) : null;
      if (value === null) continue;
      const read = readValue(value, type);
      if (!(read instanceof ValueProblem)) continue;
      const text = typeof value === 'number' ? textOf(this.#names.get(name) ?? name) : null;
      if (text !== null && !(readValue(text, type) instanceof ValueProblem)) continue;
      const remedy = `Schema ${version} has it as ${typeText(type)}; name another one, or none.`;
      return { column: name, problem: new ValueProblem(read.code, read.message, remedy) };
    }
    return new Translated(Object.fromEntries(fields));
  }

  #unknown(column: string, version: number): RowProblem {
    const message = `Schema ${version} of '${this.#source}' has no column '${column}'.`;
    const remedy = 'Send rows of that version, name another one, or name none.';
    return { column, problem: new ValueProblem('unknown_column', message, remedy) };
  }
}

/** A row under present names. */
class Translated {
  readonly row: JsonRow;

  constructor(row: JsonRow) {
    this.row = row;
  }
}

const PARTS = ['before', 'after'] as const;
const NO_COLUMNS: JsonRow = Object.freeze({});

/** @throws AsofError `unknown_schema` */
export function requireVersion(schema: SourceSchema, version: number): void {
  if (columnsAt(schema, version) !== null) return;
  const newest = newestVersion(schema);
  throw new AsofError('unknown_schema', `'${schema.name}' has no schema ${version}.`, {
    path: 'schema',
    remedy: newest === 1 ? 'There is schema 1 alone.' : `Name one of 1 to ${newest}, or none.`,
  });
}

function ambiguous(former: string, name: string): RowProblem {
  const message = `'${former}' and '${name}' are one column, and the row has both.`;
  return { column: name, problem: new ValueProblem('ambiguous_column', message) };
}
