import { present } from '../base/assert.ts';
import { keptSql } from '../expr/kept-sql.ts';
import { keptFloat } from '../schema/kept-float.ts';
import type { ComputedParts } from './compute-parts.ts';
import { literalSql } from './literal-sql.ts';
import type { WorkFeature } from './work-group.ts';

/** What the pass of an attribute has found: see `attributeColumns`. */
function foundOf(planned: WorkFeature, parts: ComputedParts) {
  const accumulator = present(planned.parts.value, 'an attribute has a row');
  const [value, age, doubt] = parts.columnsOf(planned.group, {
    accumulator,
    window: planned.window,
  });
  const { ttlMs } = planned.feature;
  const isOld = ttlMs === null ? 'FALSE' : `${age} > ${ttlMs}`;
  const held = present(value, 'a value');
  const kept = keptFloat(planned.feature.type);
  const shown = kept === null ? held : keptSql(kept, held);
  const isBeyond = kept === null ? null : `${held} IS NOT NULL AND ${shown} IS NULL`;
  return { value: shown, isBeyond, age, doubt, isOld };
}

/** Null is a value of a row; without one, or of an old one, the declared default stands. */
export function attributeSql(planned: WorkFeature, parts: ComputedParts): string {
  const { value, age, doubt, isOld } = foundOf(planned, parts);
  const fallback = literalSql(planned.feature.type, planned.feature.default);
  return `CASE WHEN ${isOld} THEN ${fallback} WHEN ${doubt} THEN NULL
    WHEN ${age} IS NULL THEN ${fallback} ELSE ${value} END`;
}

/** The status that goes with it (semantics §6). */
export function attributeStatusSql(planned: WorkFeature, parts: ComputedParts): string {
  const { age, doubt, isOld, isBeyond } = foundOf(planned, parts);
  const beyond = isBeyond === null ? '' : `WHEN ${isBeyond} THEN 'error' `;
  return `CASE WHEN ${isOld} THEN 'expired' WHEN ${doubt} THEN 'error'
    WHEN ${age} IS NULL THEN 'missing' ${beyond}ELSE 'present' END`;
}
