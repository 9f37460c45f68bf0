import { sqlName } from '../archive-relation.ts';

/** Columns of one source that hold, together, a key of one entity. */
export interface KeyPlace {
  readonly source: string;
  readonly entity: string;
  /** In the order of the entity's join keys. */
  readonly columns: readonly string[];
}

/** A place, and the table with the keys that go: columns `k0`, `k1`, … */
export interface GonePlace extends KeyPlace {
  readonly table: string;
}

/** What becomes of the rows of a source that hold a key that goes. */
export interface RowRule {
  readonly source: string;
  readonly gone: readonly GonePlace[];
  /** Every place of the source, the gone ones among them. */
  readonly places: readonly KeyPlace[];
  /** Emptied as well in rows that stay. */
  readonly personal: readonly string[];
  /** Rows that hold a key of somebody else too stay without the person; else all of them go. */
  readonly keepShared: boolean;
}

/** The rule for files that have these columns. */
export interface RowSql {
  /** Column list that adds `__gone` and `__kept` to the file's own columns. */
  readonly judged: string;
  /** The file's columns of a row that is left, from what `judged` gives. */
  readonly left: string;
}

/**
 * Columns that are emptied where the person's row stays: those of the place that no other place
 * reads, so that other entities' keys stay whole; all where nothing else would be left of it.
 */
export function emptiedBy(place: KeyPlace, places: readonly KeyPlace[]): readonly string[] {
  const others = places.filter((one) => !samePlace(one, place)).flatMap(({ columns }) => columns);
  const own = place.columns.filter((column) => !others.includes(column));
  return own.length > 0 ? own : place.columns;
}

export function samePlace(a: KeyPlace, b: KeyPlace): boolean {
  return a.source === b.source && a.entity === b.entity && a.columns.join() === b.columns.join();
}

/** Null where no place can be found in files with these columns: nothing in them is to go. */
export function rowSql(rule: RowRule, available: readonly string[]): RowSql | null {
  const has = ({ columns }: KeyPlace): boolean =>
    columns.every((column) => available.includes(column));
  const gone = rule.gone.filter(has);
  if (gone.length === 0) return null;
  const flags = gone.map((place, at) => `${matches(place)} AS __gone${at}`);
  const anyGone = gone.map((_, at) => `__gone${at}`).join(' OR ');
  const stays = rule.keepShared ? staysSql(rule, gone, rule.places.filter(has)) : 'FALSE';
  const emptied = new Map<string, string[]>();
  gone.forEach((place, at) => {
    for (const column of emptiedBy(place, rule.places)) {
      emptied.set(column, [...(emptied.get(column) ?? []), `__gone${at}`]);
    }
  });
  const keyColumns = new Set(rule.places.flatMap(({ columns }) => columns));
  for (const column of rule.personal) {
    if (available.includes(column) && !keyColumns.has(column)) emptied.set(column, ['__gone']);
  }
  const replaced = [...emptied].map(
    ([column, why]) =>
      `CASE WHEN ${why.join(' OR ')} THEN NULL ELSE ${sqlName(column)} END AS ${sqlName(column)}`,
  );
  const made = [...gone.map((_, at) => `__gone${at}`), '__gone', '__kept'].join(', ');
  const replace = replaced.length === 0 ? '' : ` REPLACE (${replaced.join(', ')})`;
  return {
    judged: `*, (${anyGone}) AS __gone, (${stays}) AS __kept FROM (SELECT *, ${flags.join(', ')}`,
    left: `* EXCLUDE (${made})${replace}`,
  };
}

function matches({ columns, table }: GonePlace): string {
  const given = columns.map(sqlName).join(', ');
  const keys = columns.map((_, at) => `k${at}`).join(', ');
  const left = columns.length === 1 ? given : `(${given})`;
  return `coalesce(${left} IN (SELECT ${keys} FROM ${sqlName(table)}), FALSE)`;
}

/** Whether a row still holds a whole key of somebody once the person's columns are emptied. */
function staysSql(
  { places }: RowRule,
  gone: readonly GonePlace[],
  present: readonly KeyPlace[],
): string {
  const left = present.map((place) => {
    const whole = place.columns.map((name) => `nullif(${sqlName(name)}::VARCHAR, '') IS NOT NULL`);
    const broken = gone.flatMap((one, at) => {
      const emptied = emptiedBy(one, places);
      const touched = samePlace(one, place) || place.columns.some((name) => emptied.includes(name));
      return touched ? [`NOT __gone${at}`] : [];
    });
    return `(${[...whole, ...broken].join(' AND ')})`;
  });
  return left.length === 0 ? 'FALSE' : left.join(' OR ');
}

/** The rows of a relation with their verdicts. */
export function judgedRows({ judged }: RowSql, from: string): string {
  return `SELECT ${judged} FROM ${from})`;
}
