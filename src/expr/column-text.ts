import type { Scalar } from '../schema/types.ts';
import { boolResult } from './column-comparison.ts';
import { type Argument, bothValid, type ColumnFn, stringColumn } from './column-values.ts';

export function mapTextColumns(arg: Argument, apply: (text: string) => string): ColumnFn {
  return (rows, need) => {
    const input = stringColumn(arg.evaluate(rows, need));
    return { ...input, values: input.values.map(apply) };
  };
}

export function startsWithColumns(left: Argument, right: Argument): ColumnFn {
  return (rows, need) => {
    const a = stringColumn(left.evaluate(rows, need));
    const b = stringColumn(right.evaluate(rows, need));
    const out = new Uint8Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      out[i] = (a.values[i] as string).startsWith(b.values[i] as string) ? 1 : 0;
    }
    return boolResult(out, bothValid(a.valid, b.valid, rows.count), rows.count);
  };
}

/** Membership in a list of constants, of any kind. */
export function membershipColumns(arg: Argument, needles: readonly Scalar[]): ColumnFn {
  const strings = new Set(needles.filter((needle) => typeof needle === 'string'));
  const numbers = new Set(needles.filter((needle) => typeof needle !== 'bigint').map(Number));
  const integers = new Set(
    needles.filter(Number.isSafeInteger).map((needle) => BigInt(needle ?? 0)),
  );
  for (const needle of needles) if (typeof needle === 'bigint') integers.add(needle);
  return (rows, need) => {
    const { count } = rows;
    const input = arg.evaluate(rows, need);
    const out = new Uint8Array(count);
    if (input.kind === 'string') {
      for (let i = 0; i < count; i++) out[i] = strings.has(input.values[i] as string) ? 1 : 0;
    } else if (input.kind === 'number' && input.wide !== null) {
      for (let i = 0; i < count; i++) out[i] = integers.has(input.wide[i] as bigint) ? 1 : 0;
    } else {
      for (let i = 0; i < count; i++) out[i] = numbers.has(input.values[i] as number) ? 1 : 0;
    }
    return boolResult(out, input.valid, count);
  };
}
