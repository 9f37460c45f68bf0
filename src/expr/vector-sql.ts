import type { VectorOp } from './node.ts';

/**
 * DuckDB SQL of the formulas in vector-math.ts. `list_reduce` takes the elements one after another,
 * each step an operation of DOUBLE; `list_dot_product` and its like do not say in which order.
 */
export function vectorSql(op: VectorOp, a: string, b: string): string {
  switch (op) {
    case 'dot':
      return dotSql(a, b);
    case 'squared_distance':
      return squaredDistanceSql(a, b);
    case 'distance':
      return `sqrt(${squaredDistanceSql(a, b)})`;
    case 'cosine': {
      const lengths = `(sqrt(${dotSql(a, a)}) * sqrt(${dotSql(b, b)}))`;
      const cosine = `(${dotSql(a, b)} / nullif(${lengths}, 0))`;
      return `list_transform([${cosine}], lambda cosine:
        CASE WHEN cosine > 1 THEN 1 WHEN cosine < -1 THEN -1 ELSE cosine + 0 END)[1]`;
    }
  }
}

function dotSql(a: string, b: string): string {
  return added(a, b, 'pair[1] * pair[2]');
}

function squaredDistanceSql(a: string, b: string): string {
  return added(a, b, '(pair[1] - pair[2]) * (pair[1] - pair[2])');
}

/**
 * Neither lambda reads a column beside its list: where some lists are null, DuckDB's `list_reduce`
 * takes such a column's values from other rows.
 */
function added(a: string, b: string, term: string): string {
  const pairs = `list_zip(CAST(${a} AS DOUBLE[]), CAST(${b} AS DOUBLE[]))`;
  const terms = `list_transform(${pairs}, lambda pair: ${term})`;
  const sum = `list_reduce(${terms}, lambda total, item: total + item, CAST('0' AS DOUBLE))`;
  return `(CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN ${sum} END)`;
}
