import { assert, present } from '../base/assert.ts';
import { compileColumns } from '../expr/compile-columns.ts';
import type { Faults } from '../expr/faults.ts';
import type { ExprNode } from '../expr/node.ts';
import type { Column } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';

type Evaluate = (columns: readonly Column[], count: number) => Column;

/** The distinct expressions of a source: each is evaluated once a batch, whoever asks for it. */
export class ExpressionTable {
  readonly #schema: SourceSchema;
  readonly #faults: Faults;
  readonly #slots = new Map<string, number>();
  readonly #evaluate: Evaluate[] = [];
  readonly #results: (Column | null)[] = [];
  #columns: readonly Column[] = [];
  #count = 0;

  constructor(schema: SourceSchema, faults: Faults) {
    this.#schema = schema;
    this.#faults = faults;
  }

  get size(): number {
    return this.#evaluate.length;
  }

  /** The slot of an expression; equal ones share theirs. */
  add(node: ExprNode): number {
    const text = JSON.stringify(node);
    const known = this.#slots.get(text);
    if (known !== undefined) return known;
    const slot = this.#evaluate.length;
    this.#slots.set(text, slot);
    this.#evaluate.push(compileColumns(node, this.#schema.columns, this.#faults));
    this.#results.push(null);
    return slot;
  }

  start(columns: readonly Column[], count: number): void {
    this.#columns = columns;
    this.#count = count;
    this.#results.fill(null);
  }

  /** The expression's values over the batch that was started. */
  column(slot: number): Column {
    const known = this.#results[slot];
    if (known !== null && known !== undefined) return known;
    const evaluate = present(this.#evaluate[slot], 'an expression that was added');
    assert(this.#columns.length === this.#schema.columns.length, 'a batch has its schema');
    const column = evaluate(this.#columns, this.#count);
    this.#results[slot] = column;
    return column;
  }
}
