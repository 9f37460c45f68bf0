import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBVector,
  HUGEINT,
} from '@duckdb/node-api';
import { assert } from '../base/assert.ts';

/** Bits of the low limb where a sum of squares is held in two HUGEINTs. */
export const LIMB_BITS = 60;

/** A HUGEINT holds magnitudes below this. */
export const HUGEINT_BOUND = 2n ** 127n;

const VARIANCE_FUNCTION = 'asof_exact_variance';

/**
 * Macros of exact arithmetic (semantics §3). DuckDB's own cast of a HUGEINT to DOUBLE rounds more
 * than once. That of a BIGINT rounds once, and so does the reading of decimal text, which only the
 * few larger integers take.
 */
const MACROS = [
  `asof_floor(x, step) AS x - ((x % step) + step) % step`,
  `asof_quantize(x, unit) AS CASE WHEN abs(x * unit) < 9007199254740992 THEN
     TRY_CAST(floor(x * unit) + CASE
       WHEN x * unit - floor(x * unit) > 0.5 THEN 1
       WHEN x * unit - floor(x * unit) = 0.5
         AND floor(x * unit) - 2 * floor(floor(x * unit) / 2) <> 0 THEN 1
       ELSE 0 END AS BIGINT) END`,
  `asof_double(h) AS CASE
     WHEN h BETWEEN -9223372036854775808 AND 9223372036854775807
       THEN CAST(TRY_CAST(h AS BIGINT) AS DOUBLE)
     ELSE CAST(CAST(h AS VARCHAR) AS DOUBLE) END`,
  // The bucket of an integer by its magnitude, and the middle of a bucket.
  `asof_size_bucket(m, bits) AS CASE WHEN m < (1 << (bits + 1)) THEN m
     ELSE (length(bin(m)) - bits - 1) * (1 << bits)
       + (m >> CAST(length(bin(m)) - bits - 1 AS UBIGINT)) END`,
  `asof_bucket(x, bits) AS CAST(CASE WHEN x < 0 THEN -1 ELSE 1 END
     * asof_size_bucket(CAST(abs(CAST(x AS HUGEINT)) AS UBIGINT), bits) AS BIGINT)`,
  `asof_size_middle(i, bits) AS CASE WHEN i < (1 << (bits + 1)) THEN CAST(i AS HUGEINT)
     ELSE (CAST(i - (i // (1 << bits) - 1) * (1 << bits) AS HUGEINT)
         << CAST(i // (1 << bits) - 1 AS HUGEINT))
       + ((CAST(1 AS HUGEINT) << CAST(i // (1 << bits) - 1 AS HUGEINT)) - 1) // 2 END`,
  `asof_middle(i, bits) AS CASE WHEN i < 0 THEN -1 ELSE 1 END * asof_size_middle(abs(i), bits)`,
];

export async function createExactMacros(connection: DuckDBConnection): Promise<void> {
  for (const macro of MACROS) await connection.run(`CREATE OR REPLACE TEMP MACRO ${macro}`);
}

/** SQL of the variance from exact sums; `wide` where n * Q may leave HUGEINT. */
export interface VarianceSql {
  readonly count: string;
  readonly sum: string;
  readonly squares: string;
  /** The high limb where the sum of squares has two. */
  readonly squaresHigh: string | null;
  /** 0 for the population, 1 for a sample. */
  readonly fewer: 0 | 1;
  readonly scale: number;
}

/** double(n * Q - S * S) / double(n * (n - fewer) * 10^(2 * scale)) */
export function varianceSql(parts: VarianceSql): string {
  const { count, sum, squares, squaresHigh, fewer, scale } = parts;
  if (squaresHigh !== null) {
    const args = [`CAST(${count} AS BIGINT)`, sum, squaresHigh, squares];
    return `${VARIANCE_FUNCTION}(${args.join(', ')}, ${fewer}::BIGINT, ${scale}::BIGINT)`;
  }
  const n = `CAST(${count} AS HUGEINT)`;
  const unit = `CAST('${10n ** BigInt(2 * scale)}' AS HUGEINT)`;
  const spread = `asof_double(${n} * ${squares} - ${sum} * ${sum})`;
  return `${spread} / asof_double(${n} * (${n} - ${fewer}) * ${unit})`;
}

/** Whether every variance over at most `rows` values of at most `magnitude` fits HUGEINTs. */
export function varianceFits(rows: bigint, magnitude: bigint, scale: number): boolean {
  const largest = magnitude > 10n ** BigInt(scale) ? magnitude : 10n ** BigInt(scale);
  return rows * rows * largest * largest < HUGEINT_BOUND;
}

/** Registers the variance of limbs, computed with BigInt; needed only where HUGEINT is too small. */
export async function registerWideVariance(connection: DuckDBConnection): Promise<void> {
  const known = await connection.runAndReadAll(
    `SELECT 1 FROM duckdb_functions() WHERE function_name = '${VARIANCE_FUNCTION}' LIMIT 1`,
  );
  if (known.currentRowCount > 0) return;
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: VARIANCE_FUNCTION,
      parameterTypes: [BIGINT, HUGEINT, HUGEINT, HUGEINT, BIGINT, BIGINT],
      returnType: DOUBLE,
      mainFunction: (_info, chunk, output) => wideVariances(chunk, output),
    }),
  );
}

function wideVariances(chunk: DuckDBDataChunk, output: DuckDBVector): void {
  for (let row = 0; row < chunk.rowCount; row++) {
    const args: bigint[] = [];
    for (let column = 0; column < chunk.columnCount; column++) {
      const value = chunk.getColumnVector(column).getItem(row);
      if (typeof value === 'bigint') args.push(value);
    }
    output.setItem(row, args.length === chunk.columnCount ? wideVariance(args) : null);
  }
  output.flush();
}

function wideVariance(args: readonly bigint[]): number | null {
  const [n, sum, high, low, fewer, scale] = args;
  assert(n !== undefined && sum !== undefined && high !== undefined, 'six arguments');
  assert(low !== undefined && fewer !== undefined && scale !== undefined, 'six arguments');
  if (n <= fewer) return null;
  const squares = (high << BigInt(LIMB_BITS)) + low;
  return Number(n * squares - sum * sum) / Number(n * (n - fewer) * 10n ** (2n * scale));
}
