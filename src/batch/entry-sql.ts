import type { AccumulatorSpec } from '../aggregate/spec.ts';
import { AssertionFailure, present } from '../base/assert.ts';
import type { ValueType } from '../schema/types.ts';
import { inOrder } from './list-sql.ts';
import type { PartSql } from './state-sql.ts';

/**
 * One accumulator that holds several entries, as SQL over events: those of equal `x` are one entry.
 * Events that are taken back stay entries, with less weight (semantics §6).
 */
export interface EntrySql extends PartSql {
  /** Names the entry of an event; null where it has none. */
  readonly x: string;
  /** What an entry holds beside its name. */
  readonly y: string;
  readonly order: 'ASC' | 'DESC';
  /** The first entries in that order that are kept; null for all. */
  readonly size: number | null;
  /**
   * What the summary is made of: the `events` themselves, with `x` and `y`; a row's `entries`, with
   * their net weight `w` too; its `ranks`, with the weight `upto` each entry and the `total`; or
   * those entries that are `kept`, and of each its `place` from 1 and how many `entries` there were.
   */
  readonly from: 'events' | 'entries' | 'ranks' | 'kept';
  /** What a walk keeps of a row's entries: the first that is left, several, all, or at some ranks. */
  readonly swept: 'first' | 'values' | 'counts' | 'ranks' | 'distinct';
  /** Of `ranks`: parts per million. */
  readonly ranksPpm: readonly number[];
  readonly summary: readonly string[];
  /** The same of `xs`, all of a row's x in ascending order, where each event has the weight 1. */
  readonly ofSorted?: string;
}

export interface EntryOptions {
  readonly retractable: boolean;
  /** What is asked of buckets: parts per million of the entries. */
  readonly ranksPpm: readonly number[];
}

const SWEPT: Readonly<Partial<Record<AccumulatorSpec['fn'], EntrySql['swept']>>> = {
  distinct: 'distinct',
  value_counts: 'counts',
  newest: 'values',
  oldest: 'values',
};

/** Null where the accumulator holds no entries. */
export function entrySql(
  spec: AccumulatorSpec,
  lane: string | null,
  { retractable, ranksPpm }: EntryOptions,
): EntrySql | null {
  const value = lane ?? 'TRUE';
  const size = (): number => present(spec.size, `${spec.fn} has a size`);
  const kept = (x: string, order: 'ASC' | 'DESC', held: string, y = 'NULL'): EntrySql => {
    const more = `any_value(entries) > ${size()}`;
    const swept = SWEPT[spec.fn] ?? 'first';
    const common = { x, y, order, size: size(), results: 2, swept, ranksPpm } as const;
    return { ...common, from: 'kept', summary: [held, more] };
  };
  switch (spec.fn) {
    case 'distinct': {
      const x = hashSql(spec.type, value);
      if (!retractable) {
        const greatest = `CASE WHEN count(*) > ${size()} THEN list_max(min(x, ${size()})) END`;
        return {
          ...kept(x, 'ASC', ''),
          from: 'entries',
          summary: [`least(count(*), ${size()})`, greatest],
        };
      }
      const greatest = `CASE WHEN any_value(entries) > ${size()} THEN max(x) END`;
      const live = 'count(*) FILTER (WHERE w > 0)';
      return { ...kept(x, 'ASC', ''), summary: [live, greatest] };
    }
    case 'buckets': {
      // What lies at each rank, rather than all buckets: a row may have thousands.
      const at = ranksPpm.map((ppm) => {
        const rank = `greatest((total * ${ppm} + 999999) // 1000000, 1)`;
        return `min(x) FILTER (WHERE w > 0 AND upto >= ${rank})`;
      });
      const placed = ranksPpm.map(
        (ppm) => `xs[greatest((len(xs) * ${ppm} + 999999) // 1000000, 1)]`,
      );
      const ofSorted = retractable ? {} : { ofSorted: `[${placed.join(', ')}]` };
      const x = `asof_bucket(${value}, ${size()})`;
      const all = { x, y: 'NULL', order: 'ASC', size: null, results: 1, swept: 'ranks' } as const;
      return { ...all, ranksPpm, from: 'ranks', summary: [`[${at.join(', ')}]`], ...ofSorted };
    }
    case 'value_counts': {
      const counts = 'list_sort(list({value: x, count: w}) FILTER (WHERE w > 0))';
      const held = `CASE WHEN count(*) <= ${size()} THEN ${counts} END`;
      const summary = [held, `count(*) > ${size()}`];
      return { ...kept(value, 'ASC', ''), from: 'entries', summary };
    }
    case 'newest':
    case 'oldest': {
      const order = spec.fn === 'newest' ? 'DESC' : 'ASC';
      const ord = `CASE WHEN ${value} IS NOT NULL THEN ord END`;
      if (retractable) {
        return kept(ord, order, inOrder('place', 'y', 'w > 0'), value);
      }
      const pick = spec.fn === 'newest' ? 'arg_max' : 'arg_min';
      const summary = [`${pick}(y, x, ${size()})`, 'FALSE'];
      return { ...kept(ord, order, '', value), from: 'events', summary };
    }
    case 'least':
      return kept(value, 'ASC', `min(x) FILTER (WHERE w > 0)`);
    case 'greatest':
      return kept(value, 'DESC', `max(x) FILTER (WHERE w > 0)`);
    case 'count':
    case 'sum':
    case 'sum_squares':
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return null;
    default:
      throw new AssertionFailure(`no SQL for ${String(spec.fn)}`);
  }
}

/** The first 52 bits of the MD5 of a value's canonical text. */
function hashSql(type: ValueType, value: string): string {
  const text = type.kind === 'string' ? value : `CAST(${value} AS VARCHAR)`;
  return `CAST('0x' || substr(md5(${text}), 1, 13) AS BIGINT)`;
}
