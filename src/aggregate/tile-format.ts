import type { ValueType } from '../schema/types.ts';
import { Cuts } from './cuts.ts';
import { valueForm } from './kernels.ts';
import { shapeOf } from './set-kernels.ts';
import type { AccumulatorSpec, TileSpec } from './spec.ts';

/**
 * Tiles of a group as rows of columns, in files by event day: one row for each key (`k0`, `k1`, …) and
 * tile (`tile_start_ms`). What the columns `aN…` of accumulator N hold:
 *
 * | accumulator | columns |
 * | - | - |
 * | `count` | `aN` |
 * | `sum` | `aN`; of a sum that is no int64, `aN` holds the lower 60 bits and `aN_high` the rest: aN_high · 2^60 + aN |
 * | `sum_squares` | the same with one more: (aN_top · 2^60 + aN_high) · 2^60 + aN |
 * | `min`, `max` | `aN`, null where there is none |
 * | `first`, `last` | `aN`, `aN_time`, `aN_partition`, `aN_offset`, null where there is none |
 * | `distinct`, `buckets`, `value_counts`, `least`, `greatest` | lists in ascending order of keys: `aN`, and `aN_weight` where entries have one; `aN_more` |
 * | `newest`, `oldest` | lists in the total order: `aN_time`, `aN_partition`, `aN_offset`, `aN`, and `aN_taken` where events can be taken back; `aN_more` |
 * | `latest` | the same and the list `aN_arrival` (-1: only what takes the row back is known); where there were more and rows can be taken back, `aN_lost_time`, `aN_lost_arrival` |
 *
 * Strings, int64, decimal units, times and hashes are themselves; a list that is null is empty.
 */
export interface TileColumn {
  readonly name: string;
  /** Of the values, or of the elements of a list. */
  readonly type: ValueType;
  readonly isList: boolean;
}

const INT64: ValueType = { kind: 'int64' };
const BOOL: ValueType = { kind: 'bool' };

/** Bits of each lower part of an integer that is no int64. */
export const WIDE_LOW_BITS = 60n;

export const TILE_START = 'tile_start_ms';
export const TILE_DAY_MS = 86_400_000;

export function keyColumn(index: number): string {
  return `k${index}`;
}

/** The columns of accumulator `index`, in the order of the file. */
export function tileColumns(
  spec: AccumulatorSpec,
  index: number,
  retractable: boolean,
): readonly TileColumn[] {
  const one = (name: string, type: ValueType): TileColumn => ({
    name: `a${index}${name}`,
    type,
    isList: false,
  });
  const list = (name: string, type: ValueType): TileColumn => ({
    ...one(name, type),
    isList: true,
  });
  switch (spec.fn) {
    case 'count':
      return [one('', INT64)];
    case 'sum':
      return [one('', INT64), one('_high', INT64)];
    case 'sum_squares':
      return [one('', INT64), one('_high', INT64), one('_top', INT64)];
    case 'min':
    case 'max':
      return [one('', spec.type)];
    case 'first':
    case 'last':
      return [one('', spec.type), ...PLACE.map((name) => one(name, INT64))];
    default: {
      const { key, mark, beside } = shapeOf(spec, valueForm(spec.type), retractable);
      const isPlaced = key === 'event' || key === 'row';
      const hasArrival = key === 'row' || beside.includes('arrival');
      const lost = hasArrival && retractable;
      return [
        list('', key === 'integer' ? INT64 : spec.type),
        ...(isPlaced ? PLACE.map((name) => list(name, INT64)) : []),
        ...(hasArrival ? [list('_arrival', INT64)] : []),
        ...(mark === 'weight' ? [list('_weight', INT64)] : []),
        ...(mark === 'taken' ? [list('_taken', BOOL)] : []),
        one('_more', BOOL),
        ...(lost ? [one('_lost_time', INT64), one('_lost_arrival', INT64)] : []),
      ];
    }
  }
}

const PLACE = ['_time', '_partition', '_offset'] as const;

/**
 * Width of a group's tiles in files, in ms: that of the finest tile any window can read, at any
 * time. A tile that spans midnight is cut there, so that a day's rows depend on its events alone.
 */
export function tileWidthMs({ windows }: Pick<TileSpec, 'windows'>): number {
  return new Cuts(windows).tileMs;
}
