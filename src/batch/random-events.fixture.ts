import { present } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import { RETRACTION_COLUMNS, sqlName, sqlString } from '../ingest/archive-relation.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { duckDbType } from '../schema/duckdb-type.ts';
import type { Scalar, ValueType } from '../schema/types.ts';
import type { EventRelations } from './event-relations.ts';

export const COLUMNS: Readonly<Record<string, ValueType>> = {
  user: { kind: 'string' },
  shop: { kind: 'int64' },
  amount: { kind: 'int64' },
  price: { kind: 'float64', scale: 2 },
  cost: { kind: 'decimal', scale: 2 },
  label: { kind: 'string' },
  flag: { kind: 'bool' },
};

export interface ModelEvent {
  readonly commit: number;
  readonly partition: number;
  readonly offset: number;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  readonly values: Readonly<Record<string, Scalar>>;
  /** Where the event stands that this row takes back; null for an event. */
  readonly retracts: { readonly partition: number; readonly offset: number } | null;
}

export interface ModelPoint {
  readonly timeMs: number | null;
  readonly user: string | null;
  readonly shop: number | null;
  readonly commit: number;
}

export function randomEvents(random: Random, count: number, retractable = false): ModelEvent[] {
  const left: ModelEvent[] = [];
  const offsets = [0, 0, 0];
  const orNull = (value: Scalar): Scalar => (random.below(9) === 0 ? null : value);
  let arrivalTimeMs = 1_000;
  const wide = random.below(3) === 0;
  return Array.from({ length: count }, (_, index) => {
    arrivalTimeMs += random.below(4) === 0 ? 0 : random.below(30);
    const partition = random.below(3);
    const late = random.pick([0, 0, random.below(20), random.below(2_000)]);
    const offset = present(offsets[partition], 'a partition');
    offsets[partition] = offset + 1;
    if (retractable && left.length > 0 && random.below(3) === 0) {
      const [origin] = left.splice(random.pick([left.length - 1, random.below(left.length)]), 1);
      return retraction(random, present(origin, 'one'), index, {
        partition,
        offset,
        arrivalTimeMs,
      });
    }
    const edge = random.pick([2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n, 2n ** 53n + 1n, -1n]);
    const event: ModelEvent = {
      commit: 1 + Math.floor(index / 3),
      partition,
      offset,
      eventTimeMs: Math.max(0, arrivalTimeMs - late),
      arrivalTimeMs,
      values: {
        user: random.pick(['a', 'b', 'ü', '', null]),
        shop: orNull(random.below(3)),
        amount: orNull(wide && random.below(3) === 0 ? edge : random.below(200) - 100),
        price: orNull(random.pick([0.125, -2.375, 0.005, 3, 1e13, 1e300]) * random.below(50) + 0),
        cost: orNull(random.below(1_000_000)),
        label: orNull(random.pick(['', 'x', 'ü', '\uffff', '😀'])),
        flag: orNull(random.below(2) === 0),
      },
      retracts: null,
    };
    left.push(event);
    return event;
  });
}

/** Now and then it has an imported arrival time before that of what it takes back. */
function retraction(
  random: Random,
  origin: ModelEvent,
  index: number,
  place: Pick<ModelEvent, 'partition' | 'offset' | 'arrivalTimeMs'>,
): ModelEvent {
  const { partition, offset, eventTimeMs } = origin;
  const early = random.below(10) === 0 ? Math.max(eventTimeMs, origin.arrivalTimeMs - 9) : null;
  return {
    ...origin,
    ...place,
    commit: 1 + Math.floor(index / 3),
    arrivalTimeMs: early ?? place.arrivalTimeMs,
    retracts: { partition, offset },
  };
}

export function randomPoints(random: Random, events: readonly ModelEvent[], count: number) {
  return Array.from({ length: count }, (): ModelPoint => {
    const near = events[random.below(Math.max(1, events.length))];
    const base = random.below(2) === 0 ? near?.eventTimeMs : near?.arrivalTimeMs;
    const timeMs = Math.max(0, (base ?? 50) + random.pick([0, 0, 1, -1, 10, 100, 3_000]));
    return {
      timeMs: random.below(15) === 0 ? null : timeMs,
      user: random.pick(['a', 'b', 'ü', '', 'unknown', null]),
      shop: random.pick([0, 1, 2, 9, null]),
      commit: random.below(events.length + 2),
    };
  });
}

/** The events as the offline relation of the source. */
export async function loadEvents(
  session: DuckDbSession,
  events: readonly ModelEvent[],
  retractable = false,
): Promise<EventRelations> {
  const names = Object.keys(COLUMNS);
  const columns = names.map(
    (name) => `${sqlName(name)} ${duckDbType(present(COLUMNS[name], name))}`,
  );
  await session.run(`CREATE OR REPLACE TABLE pay (__commit BIGINT, __partition INTEGER,
    __offset BIGINT, __event_time BIGINT, __arrival_time BIGINT, ${columns.join(', ')}
    ${retractable ? `, ${RETRACTION_COLUMNS.map(({ name, sql }) => `${name} ${sql}`).join(', ')}` : ''})`);
  const rows = events.map((event) => {
    const { commit, partition, offset, eventTimeMs, arrivalTimeMs, values } = event;
    const own = names.map((name) => scalarSql(values[name] ?? null));
    const { retracts } = event;
    const origin = [retracts === null ? 1 : -1, ...[retracts?.partition, retracts?.offset]];
    const taken = retractable ? origin.map((each) => each ?? 'NULL') : [];
    const all = [commit, partition, offset, eventTimeMs, arrivalTimeMs, ...own, ...taken];
    return `(${all.join(', ')})`;
  });
  if (rows.length > 0) await session.run(`INSERT INTO pay VALUES ${rows.join(', ')}`);
  return { through: events.at(-1)?.commit ?? 0, attach: async () => 'pay' };
}

export function scalarSql(value: Scalar): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return sqlString(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return `'${value}'::DOUBLE`;
  return String(value);
}

/** float16 ends at 65,520, so that some values are errors. */
export function keptAtTimes(random: Random, type: ValueType): ValueType {
  if (type.kind !== 'float64') return type;
  const kept = random.pick([null, 'float32', 'float16'] as const);
  return kept === null ? type : { ...type, kept };
}
