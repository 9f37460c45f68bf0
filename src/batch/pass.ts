import type { GroupTables } from './point-tables.ts';
import type { StateSql } from './state-sql.ts';
import type { PartNeed } from './work-group.ts';

/** What one pass computes: these parts, for every row of the group that has events. */
export interface PassInput {
  readonly tables: GroupTables;
  /** Of the group's accumulators, by index; null where one holds entries. */
  readonly states: readonly (StateSql | null)[];
  readonly needs: readonly PartNeed[];
}
