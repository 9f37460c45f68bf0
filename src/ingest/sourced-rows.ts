import { ValueProblem } from '../schema/read-value.ts';
import { parseLine, type RowSlice } from './push-body.ts';
import { numberIn, textOf } from './row-text.ts';

/** A row as a connector read it, and where: `flights.ndjson:17`, `orders/3/4711`. */
export interface SourcedRow {
  readonly place: string;
  /** JSON text, a row whose columns are read already, or what could not be read at all. */
  readonly body: string | Uint8Array | Readonly<Record<string, unknown>> | UnreadableRow;
}

/** What is no row in the format of its source: it goes to the dead letters as it came. */
export class UnreadableRow {
  readonly raw: string | Uint8Array;
  readonly problem: ValueProblem;

  constructor(raw: string | Uint8Array, message: string) {
    this.raw = raw;
    this.problem = new ValueProblem('unreadable_row', message);
  }
}

/** Rows of a connector in the form that the door reads, `size` at a time. */
export function* readSourced(rows: readonly SourcedRow[], size: number): Generator<RowSlice> {
  for (let start = 0; start < rows.length; start += size) {
    yield sliceOf(rows.slice(start, start + size));
  }
}

function sliceOf(sourced: readonly SourcedRow[]): RowSlice {
  const problems = new Map<number, ValueProblem>();
  const rows = sourced.map(({ body }, i): unknown => {
    const parsed = rowOf(body);
    if (!(parsed instanceof ValueProblem)) return parsed;
    problems.set(i, parsed);
    return undefined;
  });
  const rawOf = (index: number): string | Uint8Array => {
    const body = sourced[index]?.body ?? '';
    if (typeof body === 'string' || body instanceof Uint8Array) return body;
    return body instanceof UnreadableRow ? body.raw : textOf(body);
  };
  return {
    count: sourced.length,
    rows,
    columns: null,
    problems,
    lineOf: () => null,
    rawOf,
    numberText: (index, column) => {
      const body = sourced[index]?.body;
      return typeof body === 'string' ? numberIn(body, column) : null;
    },
  };
}

function rowOf(body: SourcedRow['body']): unknown {
  if (body instanceof UnreadableRow) return body.problem;
  if (typeof body === 'string' || body instanceof Uint8Array) return parseLine(body);
  return body;
}
