import { assert, present } from '../../base/assert.ts';
import type { SourcePlan, TableOriginPlan } from '../../plan/plan.ts';
import { type ColumnSchema, SNAPSHOT_TIME_COLUMN, UNIT_COLUMN } from '../../schema/types.ts';

/** A table as its materialization sees it. */
export interface TableSource {
  readonly source: SourcePlan;
  readonly origin: TableOriginPlan;
  /** Those that upstream rows have, in the order of the source: without computed ones. */
  readonly declared: readonly ColumnSchema[];
  /** The column whose value is a row's unit; null where a unit is what is read at a time. */
  readonly unitBy: string | null;
}

export function tableSource(source: SourcePlan): TableSource {
  const origin = present(source.origin, `${source.name} is a table`);
  assert(source.columns.at(-1)?.name === UNIT_COLUMN, `${source.name} ends with its units`);
  const computed = new Set([UNIT_COLUMN, SNAPSHOT_TIME_COLUMN]);
  const declared = source.columns.filter(({ name }) => !computed.has(name));
  const unitBy = origin.unitBy ?? origin.snapshot?.dayColumn ?? null;
  return { source, origin, declared, unitBy };
}

/** Times that name none are of this zone. */
export function zoneOf({ from }: TableOriginPlan): string {
  return from.kind === 'query' ? 'UTC' : from.timeZone;
}

/** Whether times finer than a millisecond are taken down to it. */
export function isFloored({ from }: TableOriginPlan): boolean {
  return from.kind !== 'query' && from.finerTimes === 'floor';
}
