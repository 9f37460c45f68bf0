import { LIMITS } from '../../base/limits.ts';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import { UNIT_COLUMN } from '../../schema/types.ts';
import { columnStatistics, statisticsBy } from '../gates/column-statistics.ts';
import { shownColumnSql } from '../spines/live-events.ts';
import type { TableSource } from './table-source.ts';

/** What the columns of a unit looked like when it was taken. */
export interface UnitLook {
  readonly unit: string;
  readonly statistics: readonly ColumnStatistics[];
}

/** A unit, and how many rows of it the relation has. */
export interface CountedUnit {
  readonly unit: string;
  readonly rows: number;
}

/** Statistics of the declared columns of some units of a relation of the session, by unit. */
export async function unitLooks(
  session: DuckDbSession,
  { declared }: TableSource,
  relation: string,
  units: readonly CountedUnit[],
): Promise<Map<string, readonly ColumnStatistics[]>> {
  const shown = declared.map((column) => `${shownColumnSql(column)} AS ${sqlName(column.name)}`);
  const rowsOf = (some: readonly CountedUnit[]): string => {
    const named = some.map(({ unit }) => sqlString(unit)).join(', ');
    return `(SELECT ${[UNIT_COLUMN, ...shown].join(', ')} FROM ${relation}
      WHERE ${UNIT_COLUMN} IN (${named}))`;
  };
  const isLarge = ({ rows }: CountedUnit): boolean => rows > LIMITS.statisticsSampleRows;
  const small = units.filter((one) => !isLarge(one));
  const looks: Map<string, readonly ColumnStatistics[]> =
    small.length === 0 ? new Map() : await statisticsBy(session, rowsOf(small), UNIT_COLUMN);
  const names = declared.map(({ name }) => name);
  for (const one of units.filter(isLarge)) {
    looks.set(one.unit, await columnStatistics(session, rowsOf([one]), {}, names));
  }
  return looks;
}

/** The looks with one more; the oldest are forgotten. A unit is known by its newest look. */
export function withLook(looks: readonly UnitLook[], look: UnitLook): UnitLook[] {
  const others = looks.filter(({ unit }) => unit !== look.unit);
  return [...others, look].slice(-LIMITS.tableLooks);
}

/** Looks as they are kept; what is none is left out. */
export function readLooks(value: unknown): UnitLook[] {
  return Array.isArray(value) ? value.filter(isLook) : [];
}

function isLook(value: unknown): value is UnitLook {
  if (typeof value !== 'object' || value === null) return false;
  if (!('unit' in value) || typeof value.unit !== 'string') return false;
  return (
    'statistics' in value &&
    Array.isArray(value.statistics) &&
    value.statistics.every((one: unknown) => isStatistics(one))
  );
}

function isStatistics(value: unknown): value is ColumnStatistics {
  if (typeof value !== 'object' || value === null || !('numbers' in value)) return false;
  return 'name' in value && 'rows' in value && 'nulls' in value && 'distinct' in value;
}
