import { ValueProblem } from '../schema/read-value.ts';
import type { JsonRow } from '../schema/row-reports.ts';
import type { ChangeSchema, Scalar, SourceSchema } from '../schema/types.ts';
import type { RowProblem } from './row-problem.ts';

export type Operation = 'insert' | 'update' | 'delete';
type Problems = Map<number, RowProblem>;

/** What stands beside the row in the envelopes of common senders and says nothing of the row. */
const ENVELOPE_FIELDS: ReadonlySet<string> = new Set([
  ...['source', 'transaction', 'ts_ms', 'ts_us', 'ts_ns'],
]);

/** Reads what the rows of a change stream do: their operation, and which part of them is the row. */
export class ChangeRows {
  readonly changes: ChangeSchema;
  readonly #id: string;
  readonly #columns: ReadonlySet<string>;
  /** Columns that a delete has a use for. */
  readonly needed: ReadonlySet<string>;
  readonly #byValue: ReadonlyMap<unknown, Operation>;

  constructor(schema: SourceSchema, changes: ChangeSchema) {
    const { insert, update, delete: taking } = changes;
    this.changes = changes;
    this.#id = schema.id ?? '';
    this.#columns = new Set(schema.columns.map(({ name }) => name));
    const needed = [changes.column, this.#id, changes.sequence];
    this.needed = new Set(needed.filter((name) => name !== null));
    const valued = (values: readonly string[], operation: Operation) =>
      values.map((value) => [value, operation] as const);
    this.#byValue = new Map([
      ...valued(insert, 'insert'),
      ...valued(update, 'update'),
      ...valued(taking, 'delete'),
    ]);
  }

  /** The rows that envelopes hold, each with its operation; other rows are left as they are. */
  open(rows: readonly JsonRow[], start: number, problems: Problems): readonly JsonRow[] {
    if (this.changes.shape === 'row') return rows;
    return rows.map((row, i) => {
      if (problems.has(start + i)) return row;
      const opened = this.#openOne(row);
      if (!('problem' in opened)) return opened.row;
      problems.set(start + i, opened);
      return { [this.changes.column]: own(row, this.changes.column) };
    });
  }

  #openOne(envelope: JsonRow): { readonly row: JsonRow } | RowProblem {
    const { column } = this.changes;
    const value = own(envelope, column);
    const operation = this.#byValue.get(value);
    // The operation's own column says what is wrong with it.
    if (operation === undefined) return { row: { [column]: value } };
    const before = partOf(envelope, 'before');
    const after = partOf(envelope, 'after');
    if (before instanceof ValueProblem) return { column: 'before', problem: before };
    if (after instanceof ValueProblem) return { column: 'after', problem: after };
    const name = operation === 'delete' ? 'before' : 'after';
    const part = operation === 'delete' ? before : after;
    if (part === null) {
      const message = `'${name}' is missing or null, but '${value}' means ${operation}.`;
      const remedy = `Send '${name}': the row as it was ${operation === 'delete' ? 'before the' : 'written by the'} ${operation}.`;
      return { column: name, problem: new ValueProblem('missing_column', message, remedy) };
    }
    if (operation === 'delete' && after !== null) {
      const message = `'after' is no null, but '${value}' means delete.`;
      return { column: 'after', problem: new ValueProblem('wrong_type', message) };
    }
    const moved = operation === 'update' && before !== null ? this.#movedId(before, part) : null;
    if (moved !== null) return { column: this.#id, problem: moved };
    const row: Record<string, unknown> = { ...part, [column]: value };
    for (const [field, beside] of Object.entries(envelope)) {
      if (field === 'before' || field === 'after' || field === column) continue;
      if (this.#columns.has(field)) {
        if (!Object.hasOwn(part, field)) row[field] = beside;
      } else if (!ENVELOPE_FIELDS.has(field)) {
        const message = `An envelope has no field '${field}', nor has the source such a column.`;
        return { column: field, problem: new ValueProblem('unknown_column', message) };
      }
    }
    return { row };
  }

  /** The event of the old id would stay for ever. */
  #movedId(before: JsonRow, after: JsonRow): ValueProblem | null {
    const was = own(before, this.#id) ?? null;
    const is = own(after, this.#id) ?? null;
    if (was === null || is === null || String(was) === String(is)) return null;
    const message = `An update makes '${this.#id}' ${String(is)} of ${String(was)}.`;
    return new ValueProblem('changed_id', message);
  }

  /** What to do about a column that no row can be without, or null for any other. */
  missingRemedy(column: string): string | null {
    const { changes } = this;
    if (column === changes.column) {
      return `Send what the row does in '${column}': one of ${this.#known()}.`;
    }
    if (column === this.#id) return `Send '${column}': a change names its event by it.`;
    return column === changes.sequence ? `Send '${column}': it orders the changes of an id.` : null;
  }

  #known(): string {
    return [...this.#byValue.keys()].map((name) => `'${String(name)}'`).join(', ');
  }

  /** The operation that a value of its column names. */
  operationOf(value: Scalar): Operation | ValueProblem {
    const operation = this.#byValue.get(value);
    if (operation !== undefined) return operation;
    const message = `'${this.changes.column}' is '${String(value)}'; known are ${this.#known()}.`;
    return new ValueProblem('unknown_operation', message);
  }

  /** A delete with nothing but what it needs: the rest of it says nothing that would count. */
  stripped(row: JsonRow, arrivalTime: string | null): JsonRow {
    const kept: Record<string, unknown> = {};
    for (const name of this.needed) if (Object.hasOwn(row, name)) kept[name] = row[name];
    if (arrivalTime !== null && Object.hasOwn(row, arrivalTime)) {
      kept[arrivalTime] = row[arrivalTime];
    }
    return kept;
  }
}

/** What every object inherits is no field of it. */
function own(row: JsonRow, name: string): unknown {
  return Object.hasOwn(row, name) ? row[name] : undefined;
}

function partOf(envelope: JsonRow, name: 'before' | 'after'): JsonRow | ValueProblem | null {
  const part = own(envelope, name) ?? null;
  if (part === null) return null;
  if (typeof part === 'object' && !Array.isArray(part)) return part as JsonRow;
  return new ValueProblem('wrong_type', `'${name}' is no object.`);
}
