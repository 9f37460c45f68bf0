import { boolResult } from './column-comparison.ts';
import { type Argument, boolColumn, type ColumnFn, type Mask, narrowed } from './column-values.ts';

/** `and` is decided by false (0), `or` by true (1); else one unknown makes the whole unknown. */
export function decisionColumns(args: readonly Argument[], decisive: 0 | 1): ColumnFn {
  return (rows, need) => {
    const { count } = rows;
    const open = new Uint8Array(count).fill(1);
    let unknown: Uint8Array | null = null;
    args.forEach((arg, index) => {
      const wanted = index > 0 && arg.canFault ? narrowed(need, open, 1, count) : need;
      const { values, valid } = boolColumn(arg.evaluate(rows, wanted));
      if (valid === null) {
        for (let i = 0; i < count; i++) if (values[i] === decisive) open[i] = 0;
        return;
      }
      unknown ??= new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        if (valid[i] === 0) unknown[i] = 1;
        else if (values[i] === decisive) open[i] = 0;
      }
    });
    return decided(open, unknown, decisive, count);
  };
}

function decided(open: Uint8Array, unknown: Mask, decisive: 0 | 1, count: number) {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = open[i] === 1 ? 1 - decisive : decisive;
  if (unknown === null) return boolResult(out, null, count);
  const valid = new Uint8Array(count);
  for (let i = 0; i < count; i++) valid[i] = open[i] === 1 && unknown[i] === 1 ? 0 : 1;
  return boolResult(out, valid, count);
}

export function notColumns(arg: Argument): ColumnFn {
  return (rows, need) => {
    const { values, valid } = boolColumn(arg.evaluate(rows, need));
    const out = new Uint8Array(rows.count);
    for (let i = 0; i < rows.count; i++) out[i] = 1 - (values[i] as number);
    return boolResult(out, valid, rows.count);
  };
}

export function nullTestColumns(arg: Argument, whenNull: 0 | 1): ColumnFn {
  return (rows, need) => {
    const { valid } = arg.evaluate(rows, need);
    const out = new Uint8Array(rows.count).fill(1 - whenNull);
    if (valid !== null) {
      for (let i = 0; i < rows.count; i++) if (valid[i] === 0) out[i] = whenNull;
    }
    return boolResult(out, null, rows.count);
  };
}
