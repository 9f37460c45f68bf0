import { AsofError, ERRORS } from '../base/errors.ts';
import { isSealed } from '../base/seal.ts';
import { nearest } from '../base/suggest.ts';
import { isToken, type Tokenizer } from '../base/tokenizer.ts';
import type { ColumnBuilder } from '../schema/column-builder.ts';
import { facingSchema, formerNames } from '../schema/evolution.ts';
import { parseJson } from '../schema/json.ts';
import { readValue, ValueProblem } from '../schema/read-value.ts';
import { type ColumnSchema, namespaceOf, type SourceSchema } from '../schema/types.ts';
import type { Letter } from './letter-line.ts';
import type { RowProblem } from './row-problem.ts';

/** What stands where something is not shown. */
const HIDDEN = '…';

/** What stands in the tokenized columns of rows: ids as their senders know them, or their tokens. */
export type GivenIds = 'ids' | 'tokens';

/** Rows of a chunk that hold raw ids, or hold tokens already. */
export interface ShieldedRows {
  readonly shield: Shield;
  readonly given: GivenIds;
}

/** First byte of what is sealed: what it is. */
const FORMS = { text: 0, bytes: 1, tokens: 2 } as const;

/**
 * Keeps raw ids of one source inside the door: values of its tokenized columns become tokens before
 * anything else is made of them, rejected rows are encrypted as they came, and what is said of them
 * quotes no value, whichever column it stands in.
 */
export class Shield {
  readonly #schema: SourceSchema;
  readonly #tokenizer: Tokenizer;
  readonly #domain: string;
  readonly #tokenized: ReadonlySet<string>;
  /** By present name, and by those of earlier schema versions. */
  readonly #columns: ReadonlyMap<string, ColumnSchema>;

  /**
   * Null for a source without tokenized columns, whose rows go on as they come.
   * @throws AsofError `token_key_missing`: nothing may be taken raw
   */
  static of(schema: SourceSchema, tokenizer: Tokenizer | null): Shield | null {
    if (schema.columns.every(({ personal }) => personal !== 'tokenized')) return null;
    if (tokenizer !== null) return new Shield(schema, tokenizer);
    const message = `'${schema.name}' has tokenized columns, and there is no key to make tokens with.`;
    throw new AsofError('token_key_missing', message, { path: schema.name });
  }

  private constructor(schema: SourceSchema, tokenizer: Tokenizer) {
    this.#schema = facingSchema(schema);
    this.#tokenizer = tokenizer;
    this.#domain = namespaceOf(schema.name);
    const tokenized = this.#schema.columns.filter(({ personal }) => personal === 'tokenized');
    this.#tokenized = new Set(tokenized.map(({ name }) => name));
    const { columns } = this.#schema;
    const former = [...(formerNames(schema) ?? [])].flatMap(([name, index]) => {
      const column = columns[index];
      return column === undefined ? [] : [[name, column] as const];
    });
    this.#columns = new Map([
      ...former,
      ...columns.map((column) => [column.name, column] as const),
    ]);
  }

  /**
   * Replaces what was read into some slots of a chunk, and what is said of them.
   * @param given what their senders are known to have sent: raw ids, or tokens of this project
   */
  protect(
    builders: readonly ColumnBuilder[],
    range: SlotRange,
    given: GivenIds,
    problems: Map<number, RowProblem>,
  ): void {
    for (const builder of builders) this.#replace(builder, range, given, problems);
    for (const [slot, found] of problems) {
      if (slot >= range.start) problems.set(slot, this.discreet(found));
    }
  }

  #replace(
    builder: ColumnBuilder,
    { start, end }: SlotRange,
    given: GivenIds,
    problems: Map<number, RowProblem>,
  ): void {
    const { schema, store } = builder;
    if (!this.#tokenized.has(schema.name)) return;
    const values = store.values as string[];
    for (let slot = start; slot < end; slot++) {
      const value = values[slot] as string;
      if (value === '' || store.valid?.[slot] === 0) continue;
      if (isToken(value) === (given === 'tokens')) {
        if (given === 'ids') values[slot] = this.#tokenizer.token(this.#domain, value);
        continue;
      }
      values[slot] = '';
      if (problems.has(slot)) continue;
      const message = given === 'ids' ? 'An id has the form of a token.' : 'This is no token.';
      const problem = new ValueProblem('wrong_type', message, 'Send ids as they are.');
      problems.set(slot, { column: schema.name, problem });
    }
  }

  /** What is wrong with a row, without a word of the row. */
  discreet({ column, problem, ...rest }: RowProblem): RowProblem {
    const { code, remedy } = problem;
    const names = [...this.#schema.columns.map(({ name }) => name), 'before', 'after'];
    // A name that nobody declared may be an id itself, unless it is a slip of the pen.
    const isKnown = column !== null && (names.includes(column) || nearest(column, names) !== null);
    const shown = isKnown ? column : null;
    const { meaning } = ERRORS[code];
    const message = shown === null ? meaning : `'${shown}': ${meaning}`;
    return { ...rest, column: shown, problem: new ValueProblem(code, message, remedy) };
  }

  /** A row that somebody else has refused, as the dead letters keep it. */
  letter<Row extends Pick<Letter, 'code' | 'column' | 'message' | 'raw'>>(row: Row): Row {
    const { code, column, message } = row;
    const said = this.discreet({ column, problem: new ValueProblem(code, message) });
    return {
      ...row,
      column: said.column,
      message: said.problem.message,
      raw: this.seal(row.raw, 'ids'),
    };
  }

  /** A row as the dead letters keep it. */
  seal(raw: string | Uint8Array, given: GivenIds): string {
    const form = typeof raw !== 'string' ? 'bytes' : given === 'tokens' ? 'tokens' : 'text';
    const bytes = Buffer.concat([Uint8Array.of(FORMS[form]), Buffer.from(raw)]);
    return this.#tokenizer.seal(this.#purpose, bytes);
  }

  /**
   * A row as it was sent, to be judged again: for nobody else. What was kept before the source had
   * tokenized columns is as it is.
   * @throws AsofError `token_key_wrong`
   */
  open(raw: string | Uint8Array): OpenRow {
    if (typeof raw !== 'string' || !isSealed(raw)) return { raw, given: 'ids' };
    const bytes = this.#tokenizer.open(this.#purpose, raw);
    const body = bytes.subarray(1);
    if (bytes[0] === FORMS.bytes) return { raw: body, given: 'ids' };
    const given = bytes[0] === FORMS.tokens ? 'tokens' : 'ids';
    return { raw: Buffer.from(body).toString(), given };
  }

  get #purpose(): string {
    return `letters of ${this.#schema.name}`;
  }

  /** A kept row as people see it: with tokens for ids, and nothing of what fits no column. */
  shown(raw: string | Uint8Array): string {
    const row = this.#rowOf(raw);
    return row === null ? HIDDEN : JSON.stringify(this.#masked(row));
  }

  /** The tokens that a kept row holds, of itself and of the parts of an envelope. */
  tokensIn(raw: string | Uint8Array): ReadonlySet<string> {
    const row = this.#rowOf(raw);
    const texts = row === null ? [] : Object.values(this.#masked(row)).flatMap(textsIn);
    return new Set(texts.filter(isToken));
  }

  /** Null for what is no JSON object. */
  #rowOf(kept: string | Uint8Array): Readonly<Record<string, unknown>> | null {
    const { raw: text } = this.open(kept);
    if (typeof text !== 'string') return null;
    try {
      const row = parseJson(text);
      return isObject(row) ? row : null;
    } catch {
      return null;
    }
  }

  #masked(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(row)) {
      const column = this.#columns.get(name);
      const isPart = (name === 'before' || name === 'after') && isObject(value);
      if (isPart && column === undefined) shown[name] = this.#masked(value);
      else if (column === undefined) shown[HIDDEN] = HIDDEN;
      else if (value === null) shown[name] = null;
      else {
        const fits = !(readValue(value, column.type) instanceof ValueProblem);
        const isId = this.#tokenized.has(column.name) && typeof value === 'string';
        const seen = typeof value === 'bigint' ? String(value) : value;
        const text = isId ? this.#tokenizer.tokenOf(this.#domain, value) : seen;
        shown[name] = fits ? text : HIDDEN;
      }
    }
    return shown;
  }
}

interface SlotRange {
  readonly start: number;
  readonly end: number;
}

interface OpenRow {
  readonly raw: string | Uint8Array;
  readonly given: GivenIds;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}
