import type { EntryShape } from '../../aggregate/entry-shape.ts';
import { valueForm } from '../../aggregate/kernels.ts';
import { shapeOf } from '../../aggregate/set-kernels.ts';
import type { AccumulatorSpec } from '../../aggregate/spec.ts';
import { tileColumns } from '../../aggregate/tile-format.ts';
import { present } from '../../base/assert.ts';
import { entrySql } from '../entry-sql.ts';
import { type EventNeed, laneColumn, passColumn } from './tile-events.ts';
import { placeSql } from './tile-parts.ts';

/** One accumulator that holds several entries, as SQL over `events`. */
export interface TileSet {
  /** Name of the table that `sql` makes: `keys`, `t` and the columns of the file. */
  readonly name: string;
  readonly sql: string;
  /** The columns of the file from that table, where a tile may have no entries. */
  readonly columns: readonly string[];
  readonly needs: readonly EventNeed[];
}

export interface SetOptions {
  readonly retractable: boolean;
  /** Key columns and `t`. */
  readonly tile: readonly string[];
  /** Whether the lane lets events pass whose value is null. */
  readonly nullable: boolean;
}

/** What an entry is called, and how its columns come from it. */
interface EntryColumns {
  /** Of events: name and expression of each field, in the order by which entries are sorted. */
  readonly fields: readonly (readonly [name: string, sql: string])[];
  /** Fields that tell entries apart. */
  readonly identity: readonly string[];
  /** Of an entry `e`, what each list column holds. */
  readonly lists: readonly string[];
  /** Which events are entries. */
  readonly passes: string;
  readonly needs: readonly EventNeed[];
}

export function tileSet(spec: AccumulatorSpec, index: number, options: SetOptions): TileSet {
  const { retractable, tile } = options;
  const shape = shapeOf(spec, valueForm(spec.type), retractable);
  const entry = entryColumns(spec, shape, options);
  const columns = tileColumns(spec, index, retractable).map(({ name }) => name);
  const lists = entry.lists.map((sql) => `list_transform(kept, lambda e: ${sql})`);
  const lost = columns.includes(`a${index}_lost_time`) ? LOST : [];
  const all = [...lists, 'more', ...lost].map((sql, at) => `${sql} AS ${columns[at]}`);
  const struct = entry.fields.map(([name]) => `${name}: ${name}`).join(', ');
  const keys = tile.join(', ');
  const sql = `SELECT ${keys}, ${all.join(', ')} FROM (
      SELECT ${keys}, ${keptSql(shape)} AS kept, len(entries) > ${limitOf(shape)} AS more, entries
      FROM (SELECT ${keys}, list_sort(list({${struct}})) AS entries
        FROM (${entriesSql(shape, entry, keys)}) GROUP BY ALL))`;
  const name = `s${index}`;
  return {
    name,
    sql,
    columns: columns.map((column) =>
      column === `a${index}_more` ? `coalesce(${name}.${column}, FALSE)` : `${name}.${column}`,
    ),
    needs: entry.needs,
  };
}

/** No list has more entries; of buckets all are kept. */
const ENTRIES_MAX = 2 ** 53;

function limitOf({ limit }: EntryShape): number {
  return Math.min(limit, ENTRIES_MAX);
}

/** Entries stand in ascending order. */
function keptSql(shape: EntryShape): string {
  const limit = limitOf(shape);
  if (shape.keeps === 'least') return `entries[:${limit}]`;
  if (shape.keeps === 'greatest') return `entries[greatest(len(entries) - ${limit} + 1, 1):]`;
  return `CASE WHEN len(entries) <= ${limit} THEN entries END`;
}

/** Of rows that are not kept: the greatest event time, and the latest arrival of that time. */
const DROPPED = 'entries[:len(entries) - len(kept)]';
const LOST = [
  `CASE WHEN more THEN ${DROPPED}[-1].et END`,
  `CASE WHEN more THEN list_max(list_transform(
    list_filter(${DROPPED}, lambda e: e.et = ${DROPPED}[-1].et), lambda e: e.arrived)) END`,
];

function entriesSql(shape: EntryShape, entry: EntryColumns, keys: string): string {
  const fields = entry.fields.map(([name, sql]) => `${sql} AS ${name}`);
  const isOne = entry.identity.length === entry.fields.length || shape.mark === 'none';
  const events = `SELECT ${keys}, ${fields.join(', ')} FROM events WHERE ${entry.passes}`;
  if (isOne && shape.key === 'integer') return `SELECT DISTINCT * FROM (${events})`;
  if (isOne) return events;
  const joined = entry.fields.map(([name]) => {
    if (entry.identity.includes(name)) return name;
    if (name === 'weight') return 'CAST(sum(weight) AS BIGINT) AS weight';
    if (name === 'taken') return 'bool_or(taken) AS taken';
    return name === 'arrived' ? 'max(arrived) AS arrived' : `any_value(${name}) AS ${name}`;
  });
  const grouped = [keys, ...entry.identity].join(', ');
  const left = shape.dropsZero ? 'HAVING sum(weight) <> 0' : '';
  return `SELECT ${keys}, ${joined.join(', ')} FROM (${events}) GROUP BY ${grouped} ${left}`;
}

function entryColumns(
  spec: AccumulatorSpec,
  shape: EntryShape,
  { retractable, nullable }: SetOptions,
): EntryColumns {
  const lane = laneColumn(spec.lane);
  const passes = nullable ? passColumn(spec.lane) : `${lane} IS NOT NULL`;
  const taken = ['taken', 'w < 0'] as const;
  const takenList = shape.mark === 'taken' ? ['e.taken'] : [];
  const value = ['v', lane] as const;
  if (shape.key === 'event' && shape.beside.length === 0) {
    return {
      fields: [['o', 'ord'], value, ...(shape.mark === 'taken' ? [taken] : [])],
      identity: ['o'],
      lists: ['e.v', ...placeSql('e.o'), ...takenList],
      passes,
      needs: ['order'],
    };
  }
  if (shape.key === 'event' || shape.key === 'row') {
    const place = ['place', 'place'] as const;
    const arrived = ['arrived', 'arrived'] as const;
    const [, partition = '', offset = ''] = placeSql('e.place');
    return {
      fields: retractable
        ? [['et', 'et'], place, arrived, value, taken]
        : [['et', 'et'], arrived, place, value],
      identity: retractable ? ['et', 'place'] : ['et', 'arrived', 'place'],
      lists: ['e.v', 'e.et', partition, offset, 'e.arrived', ...takenList],
      passes,
      needs: ['place', 'arrival'],
    };
  }
  const weight = ['weight', retractable ? 'w' : '1'] as const;
  const { x } = present(
    entrySql(spec, lane, { retractable, ranksPpm: [] }),
    `${spec.fn} holds entries`,
  );
  const isWeighed = shape.mark === 'weight';
  return {
    fields: [['x', x], ...(isWeighed ? [weight] : [])],
    identity: ['x'],
    lists: ['e.x', ...(isWeighed ? ['e.weight'] : [])],
    passes,
    needs: [],
  };
}
