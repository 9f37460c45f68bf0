import type { Column } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { Status } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { canonicalInteger, type FeatureValue, type Scalar } from '../../src/schema/types.ts';

/** The values of a column as the platform holds them, so that they can be compared with `===`. */
export function valuesIn({ values, nulls }: Column): FeatureValue[] {
  const isNull = (row: number): boolean => (((nulls[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
  return plainValues(values).map((value, row) => (isNull(row) ? null : value));
}

function plainValues(values: Column['values']): FeatureValue[] {
  switch (values.case) {
    case 'int64s':
      return values.value.values.map(canonicalInteger);
    case 'timestamps':
      return values.value.valuesMs.map(canonicalInteger);
    case 'decimals':
      return values.value.units.map(canonicalInteger);
    case 'doubles':
    case 'floats':
    case 'bools':
    case 'strings':
      return [...values.value.values];
    case 'vectors': {
      const { values: all, size } = values.value;
      const count = all.length / size;
      return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size));
    }
    case 'lists': {
      const { lengths, items } = values.value;
      return cut(lengths, items === undefined ? [] : (valuesIn(items) as Scalar[]));
    }
    case 'counts': {
      const { lengths, values: distinct, counts } = values.value;
      const all = distinct === undefined ? [] : (valuesIn(distinct) as Scalar[]);
      return cut(
        lengths,
        all.map((value, i) => ({ value, count: Number(counts[i]) })),
      );
    }
    default:
      throw new TypeError(`the column has no values: ${String(values.case)}`);
  }
}

function cut<T>(lengths: readonly number[], all: readonly T[]): T[][] {
  let from = 0;
  return lengths.map((length) => {
    from += length;
    return all.slice(from - length, from);
  });
}

const NAMES = new Map(Object.entries(Status).map(([name, number]) => [number, name.toLowerCase()]));

export function statusesIn({ statuses }: Column): string[] {
  return Array.from(statuses, (number) => NAMES.get(number as never) ?? `status ${number}`);
}
