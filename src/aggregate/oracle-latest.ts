import { present } from '../base/assert.ts';
import type { Scalar } from '../schema/types.ts';
import { EXPIRED, OVERFLOW } from './finish-spec.ts';
import type { OracleFeature, OracleInputs, OracleRow } from './oracle-rows.ts';

/**
 * An attribute by the letter of semantics §6: the newest row's value, null included. Where rows can
 * be taken back, only the `size` newest of all that ever were, in the total order, are kept.
 */
export function oracleLatest(
  { gross, live }: OracleInputs,
  feature: OracleFeature,
  timeMs: number,
): Scalar | undefined | typeof OVERFLOW | typeof EXPIRED {
  const size = feature.retractable ? present(feature.size, 'latest has a size') : gross.length;
  const cut = Math.max(0, gross.length - size);
  const left = gross.slice(cut).filter((row) => live.includes(row));
  const newest = left.sort(byRecency).at(-1);
  if (newest === undefined) return cut > 0 ? OVERFLOW : undefined;
  if (timeMs - newest.eventTimeMs > (feature.ttlMs ?? Number.POSITIVE_INFINITY)) return EXPIRED;
  const isUnsure = gross.slice(0, cut).some((lost) => byRecency(lost, newest) > 0);
  return isUnsure ? OVERFLOW : newest.value;
}

/** (event_time, arrival_time, partition, offset). */
function byRecency(a: OracleRow, b: OracleRow): number {
  const arrivalOf = (row: OracleRow): number => present(row.arrivalTimeMs, 'a row arrives');
  return (
    a.eventTimeMs - b.eventTimeMs ||
    arrivalOf(a) - arrivalOf(b) ||
    a.partition - b.partition ||
    a.offset - b.offset
  );
}
