import type { AccumulatorSpec } from '../../aggregate/spec.ts';
import { WIDE_LOW_BITS } from '../../aggregate/tile-format.ts';
import { AssertionFailure } from '../../base/assert.ts';
import { laneColumn } from './tile-events.ts';

/** One accumulator that holds one entry, as SQL over the events of a tile. */
export interface TilePart {
  /** Aggregates with their names. */
  readonly aggregates: readonly string[];
  /** The columns of the file, in the order of `tileColumns`, from those names. */
  readonly columns: readonly string[];
}

const LOW_BITS = WIDE_LOW_BITS;
const LOW_MASK = `${2n ** LOW_BITS - 1n}::HUGEINT`;
const IS_INT64 = `BETWEEN ${-(2n ** 63n)} AND ${2n ** 63n - 1n}`;
/** Squares of integers up to this size fit into an int64. */
const SMALL = 2 ** 31;
/** Of the high part of an integer: whether that is an int64. */
const IS_INT64_HIGH = `BETWEEN ${-(2n ** (63n - LOW_BITS))} AND ${2n ** (63n - LOW_BITS) - 1n}`;

/** Null where the accumulator holds several entries. `counts` is false where every event counts. */
export function tilePart(
  spec: AccumulatorSpec,
  index: number,
  { retractable, counts }: { readonly retractable: boolean; readonly counts: boolean },
): TilePart | null {
  const lane = laneColumn(spec.lane);
  const name = (suffix = ''): string => `x${index}${suffix}`;
  switch (spec.fn) {
    case 'count': {
      const weight = counts ? `CASE WHEN ${lane} IS NOT NULL THEN w END` : 'w';
      const count = retractable ? `sum(${weight})` : `count(${counts ? lane : '*'})`;
      return {
        aggregates: [`CAST(coalesce(${count}, 0) AS BIGINT) AS ${name()}`],
        columns: [name()],
      };
    }
    case 'sum': {
      const sum = retractable ? `sum(CAST(${lane} AS HUGEINT) * w)` : `sum(${lane})`;
      return {
        aggregates: [`coalesce(${sum}, 0) AS ${name()}`],
        columns: [
          `CAST(CASE WHEN ${name()} ${IS_INT64} THEN ${name()} ELSE ${name()} & ${LOW_MASK} END AS BIGINT)`,
          `CASE WHEN ${name()} NOT ${IS_INT64} THEN CAST(${name()} >> ${LOW_BITS} AS BIGINT) END`,
        ],
      };
    }
    case 'sum_squares':
      return squaresPart(lane, name, retractable ? ' * w' : '');
    case 'min':
    case 'max':
      return { aggregates: [`${spec.fn}(${lane}) AS ${name()}`], columns: [name()] };
    case 'first':
    case 'last': {
      const [pick, keep] = spec.fn === 'first' ? ['arg_min', 'min'] : ['arg_max', 'max'];
      const order = `CASE WHEN ${lane} IS NOT NULL THEN ord END`;
      return {
        aggregates: [
          `${pick}(${lane}, ${order}) AS ${name()}`,
          `${keep}(${order}) AS ${name('o')}`,
        ],
        columns: [name(), ...placeSql(name('o'))],
      };
    }
    default:
      return null;
  }
}

/**
 * Squares of small integers are added as they are; of large ones both parts, so that no sum can
 * leave a HUGEINT, whatever the events.
 */
function squaresPart(lane: string, name: (suffix?: string) => string, weight: string): TilePart {
  const isSmall = `${lane} BETWEEN -${SMALL} AND ${SMALL}`;
  const square = `CAST(${lane} AS HUGEINT) * ${lane}`;
  const large = (part: string): string =>
    `coalesce(sum(CASE WHEN NOT (${isSmall}) THEN ((${square}) ${part})${weight} END), 0)`;
  const low = `(${name()} + ${name('l')})`;
  const high = `(${name('h')} + (${low} >> ${LOW_BITS}))`;
  const rest = `(${low} & ${LOW_MASK})`;
  const whole = `CASE WHEN ${high} ${IS_INT64_HIGH} THEN ${high} * ${2n ** LOW_BITS} + ${rest}`;
  const isWide = `CASE WHEN ${high} NOT ${IS_INT64_HIGH} THEN`;
  return {
    aggregates: [
      `coalesce(sum(CASE WHEN ${isSmall} THEN ${lane} * ${lane}${weight} END), 0) AS ${name()}`,
      `${large(`& ${LOW_MASK}`)} AS ${name('l')}`,
      `${large(`>> ${LOW_BITS}`)} AS ${name('h')}`,
    ],
    columns: [
      `CAST(${whole} ELSE ${rest} END AS BIGINT)`,
      `${isWide} CAST(${high} & ${LOW_MASK} AS BIGINT) END`,
      `${isWide} CAST(${high} >> ${LOW_BITS} AS BIGINT) END`,
    ],
  };
}

/** Event time, partition and offset of an order. */
export function placeSql(order: string): string[] {
  return [
    `CAST(${order} >> 64 AS BIGINT)`,
    `CAST((${order} >> 44) & ${2n ** 20n - 1n}::HUGEINT AS BIGINT)`,
    `CAST(${order} & ${2n ** 44n - 1n}::HUGEINT AS BIGINT)`,
  ];
}

/** Why an accumulator is not known here. */
export function unknownPart({ fn }: AccumulatorSpec): never {
  throw new AssertionFailure(`no SQL of tiles for ${fn}`);
}
