import {
  FLOAT16_END,
  FLOAT16_NORMAL,
  FLOAT16_STEPS,
  FLOAT32_END,
  type KeptFloat,
} from '../schema/kept-float.ts';
import type { OpName } from './node.ts';

export function keptOf(op: OpName): KeptFloat {
  return op === 'to_float32' ? 'float32' : 'float16';
}

/**
 * `roundKept` of a finite DOUBLE in DuckDB's SQL: NULL where the format does not hold it. It repeats
 * its operand.
 */
export function keptSql(kept: KeptFloat, x: string): string {
  // A cast to FLOAT rounds half to even; adding 0 makes 0 of -0.
  if (kept === 'float32') {
    const end = `CAST('${FLOAT32_END}' AS DOUBLE)`;
    return `(CASE WHEN abs(${x}) < ${end} THEN CAST(TRY_CAST(${x} AS FLOAT) AS DOUBLE) + 0 END)`;
  }
  // The logarithm is of a whole number and a half, so no error of its last places changes its floor.
  const size = `least(abs(${x}), ${FLOAT16_END})`;
  const binade = `CAST(floor(log2(floor(${size} * ${FLOAT16_NORMAL}) + 0.5)) AS BIGINT)`;
  const unit = `(CAST(CAST(1 AS BIGINT) << greatest(${binade}, 0) AS DOUBLE) / CAST(${FLOAT16_STEPS} AS DOUBLE))`;
  // So does a cast to BIGINT; multiplying by a power of two is exact.
  const rounded = `CAST(TRY_CAST(${x} / ${unit} AS BIGINT) AS DOUBLE) * ${unit}`;
  return `(CASE WHEN abs(${x}) < ${FLOAT16_END} THEN ${rounded} END)`;
}
