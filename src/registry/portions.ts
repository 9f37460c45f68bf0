/** Rows of one statement; SQLite takes 32,766 values. */
const ROWS_PER_STATEMENT = 500;

export function* portions<T>(rows: readonly T[]): Generator<T[]> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    yield rows.slice(from, from + ROWS_PER_STATEMENT);
  }
}
