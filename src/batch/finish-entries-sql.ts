import { present } from '../base/assert.ts';
import type { ComputedParts } from './compute-parts.ts';
import { type FeatureWork, ranksOf } from './feature-work.ts';
import { powerOfTenSql } from './literal-sql.ts';
import type { WorkFeature } from './work-group.ts';

/** A value that is there if `some` holds, unless one of `broken` does: then it is an error. */
export interface FinishedSql {
  readonly some: string;
  readonly value: string;
  readonly broken: readonly string[];
}

const HASH_RANGE = `CAST('${2n ** 52n}' AS HUGEINT)`;

/** What is finished from the entries of one accumulator; null where there are none. */
export function entriesSql(
  work: FeatureWork,
  planned: WorkFeature,
  parts: ComputedParts,
): FinishedSql | null {
  const { feature, group, window } = planned;
  const accumulator = planned.parts.value;
  if (accumulator === undefined) return null;
  const spec = present(work.groups[group]?.accumulators[accumulator], 'an accumulator');
  if (spec.size === undefined) return null;
  const [held, more] = parts.columnsOf(group, { accumulator, window });
  const entries = present(held, 'a column of entries');
  const some = `${entries} IS NOT NULL`;
  const count = feature.count ?? 1;
  switch (spec.fn) {
    case 'distinct':
      return distinctSql(entries, `${more}`, spec.size, work.groups[group]?.retractable ?? false);
    case 'buckets': {
      const ppm = present(feature.rankPpm, 'a quantile has a rank');
      const index = `${entries}[${ranksOf(work, group, accumulator).indexOf(ppm) + 1}]`;
      return {
        some: `${index} IS NOT NULL`,
        value: middleSql(feature, index, spec.size),
        broken: [],
      };
    }
    case 'value_counts': {
      const isTop = feature.fn === 'top_k';
      return { some, value: isTop ? topSql(entries, count) : entries, broken: [`${more}`] };
    }
    case 'newest':
    case 'oldest': {
      const listed = feature.fn === 'last_n' || feature.fn === 'first_n';
      const first = `${entries}[:${count}]`;
      const value = spec.fn === 'newest' ? `list_reverse(${first})` : first;
      const broken = [`${more} AND coalesce(len(${entries}), 0) < ${count}`];
      return { some, value: listed ? value : `${entries}[1]`, broken };
    }
    default:
      return { some, value: entries, broken: [`${more} AND ${entries} IS NULL`] };
  }
}

/**
 * Exact while all hashes are kept; beyond, by how closely the least of them lie, and never below
 * what is known. Where fewer than half of them are left, nothing can be said.
 */
function distinctSql(
  live: string,
  greatest: string,
  size: number,
  retractable: boolean,
): FinishedSql {
  const scaled = `CAST(${live} AS HUGEINT) * ${size - 1} * ${HASH_RANGE}`;
  const estimate = `${scaled} // (CAST(greatest(${greatest}, 1) AS HUGEINT) * ${size})`;
  const known = retractable ? live : `${size + 1}`;
  const beyond = `greatest(${known}, CAST(${estimate} AS BIGINT))`;
  const value = `CASE WHEN ${greatest} IS NULL THEN ${live} ELSE ${beyond} END`;
  const tooFew = `${greatest} IS NOT NULL AND 2 * coalesce(${live}, 0) < ${size}`;
  const some = `${live} > 0 OR ${greatest} IS NOT NULL`;
  return { some, value, broken: retractable ? [tooFew] : [] };
}

/** The middle of a bucket; NULL where that is no int64. */
function middleSql(feature: WorkFeature['feature'], index: string, bits: number): string {
  // Bound to a name: the macro repeats what it is given.
  const middle = `list_transform([${index}], lambda i: asof_middle(i, ${bits}))[1]`;
  return feature.type.kind === 'float64'
    ? `asof_double(${middle}) / ${powerOfTenSql(feature.scale)}`
    : `TRY_CAST(${middle} AS BIGINT)`;
}

/** Entries stand in the order of their values; the most frequent first, then in that order. */
function topSql(counts: string, k: number): string {
  const ranked = `list_transform(${counts}, lambda e: {n: -e.count, v: e.value})`;
  return `list_transform(list_sort(${ranked})[:${k}], lambda e: e.v)`;
}
