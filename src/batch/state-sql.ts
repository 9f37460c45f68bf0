import type { AccumulatorSpec } from '../aggregate/spec.ts';
import { AssertionFailure, present } from '../base/assert.ts';
import { LIMB_BITS } from './exact-sql.ts';
import type { PartNeed } from './work-group.ts';

/** A part of a pass: how many columns of its table are the result. */
export interface PartSql {
  readonly results: number;
}

/** One accumulator as SQL: what an event adds, and how what was added is aggregated. */
export interface StateSql extends PartSql {
  /** Of one event, one expression a state column; null where the event does not count. */
  readonly ofEvent: readonly string[];
  /** The aggregate of each state column, over states given by name. */
  readonly merge: (states: readonly string[]) => string[];
  /** The aggregate of each result column straight from events; `filter` is '' or a FILTER. */
  readonly direct: (filter: string) => string[];
  /** State columns that are the result; the rest only order it. */
  readonly results: number;
}

/**
 * `lane` is the lane's column, or null where every event counts. With weights an event that is
 * taken back is subtracted, which only counts and sums can be.
 */
export function stateSql(
  spec: AccumulatorSpec,
  lane: string | null,
  { splitSquares, weighted }: { readonly splitSquares: boolean; readonly weighted: boolean },
): StateSql {
  const value = lane ?? 'TRUE';
  switch (spec.fn) {
    case 'count': {
      if (weighted) {
        const sign = lane === null ? 'w' : `CASE WHEN ${lane} IS NOT NULL THEN w END`;
        return {
          ofEvent: [sign],
          merge: ([n]) => [`CAST(sum(${n}) AS BIGINT)`],
          direct: (filter) => [`CAST(sum(${sign})${filter} AS BIGINT)`],
          results: 1,
        };
      }
      return {
        ofEvent: [lane === null ? '1' : `CASE WHEN ${lane} IS NOT NULL THEN 1 END`],
        merge: ([n]) => [`CAST(sum(${n}) AS BIGINT)`],
        direct: (filter) => [`count(${lane ?? '*'})${filter}`],
        results: 1,
      };
    }
    case 'sum':
      return sums(signed([`${value}`], weighted));
    case 'sum_squares':
      return sums(signed(splitSquares ? limbs(square(value)) : [square(value)], weighted));
    case 'min':
    case 'max':
      return {
        ofEvent: [value],
        merge: ([x]) => [`${spec.fn}(${x})`],
        direct: (filter) => [`${spec.fn}(${value})${filter}`],
        results: 1,
      };
    case 'first':
    case 'last': {
      const [pick, keep] = spec.fn === 'first' ? ['arg_min', 'min'] : ['arg_max', 'max'];
      return {
        ofEvent: [value, `CASE WHEN ${value} IS NOT NULL THEN ord END`],
        merge: ([x, order]) => [`${pick}(${x}, ${order})`, `${keep}(${order})`],
        direct: (filter) => [`${pick}(${value}, ord)${filter}`],
        results: 1,
      };
    }
    default:
      throw new AssertionFailure(`${spec.fn} holds entries: they have a pass of their own`);
  }
}

function signed(values: readonly string[], weighted: boolean): readonly string[] {
  return weighted ? values.map((value) => `CAST(${value} AS HUGEINT) * w`) : values;
}

function sums(values: readonly string[]): StateSql {
  return {
    ofEvent: values.map((value) => `CAST(${value} AS HUGEINT)`),
    merge: (states) => states.map((state) => `sum(${state})`),
    direct: (filter) => values.map((value) => `sum(${value})${filter}`),
    results: values.length,
  };
}

function square(value: string): string {
  return `CAST(${value} AS HUGEINT) * ${value}`;
}

/** Low and high limb of a square: their sums cannot leave HUGEINT, whatever the rows. */
function limbs(squared: string): string[] {
  return [
    `(${squared}) & ${2n ** BigInt(LIMB_BITS) - 1n}::HUGEINT`,
    `(${squared}) >> ${LIMB_BITS}`,
  ];
}

/** The column that holds one result of a part in the table of a pass. */
export function partColumn(need: PartNeed, index: number): string {
  return `p${need.accumulator}_${need.window}${index === 0 ? '' : 'h'}`;
}

export function partColumns(need: PartNeed, state: PartSql): string[] {
  return Array.from({ length: state.results }, (_, index) => partColumn(need, index));
}

/** `expressions[i] AS names[i]`, as many as there are names. */
export function aliased(expressions: readonly string[], names: readonly string[]): string[] {
  return names.map((name, index) => `${present(expressions[index], name)} AS ${name}`);
}
