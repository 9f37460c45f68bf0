import { AcceptanceOracle } from '../../src/ingest/acceptance-oracle.ts';
import type { ProjectPlan, SourcePlan, ViewPlan } from '../../src/plan/plan.ts';
import { columnsAt } from '../../src/schema/evolution.ts';
import { canonicalInteger, type Scalar } from '../../src/schema/types.ts';
import { convertScalar } from '../../src/schema/widening.ts';
import {
  type OracleEvent,
  type OracleKey,
  PlatformOracle,
} from '../../src/testing/platform-oracle.ts';
import { exactJson as exactJsonOf, type Push } from '../conformance/generate-events.ts';

/** What is asked: keys of each view, times, and what may be known at them. */
export interface Asked {
  readonly keys: ReadonlyMap<string, readonly OracleKey[]>;
  readonly timesMs: readonly number[];
}

const KEYS_MAX = 4;

/** Events as the door of a plan lets them in, each row judged as its producers sent it at first. */
export function eventsThrough(plan: ProjectPlan, pushes: readonly Push[]): OracleEvent[] {
  const doors = new Map(plan.sources.map((source) => [source.name, doorOf(source)]));
  const events: OracleEvent[] = [];
  pushes.forEach(({ source, lines, nowMs }, at) => {
    const door = doors.get(source.name);
    if (door === undefined) return;
    const before = door.oracle.events.length;
    for (const line of lines) door.oracle.judge(line, nowMs);
    for (const { values, ...event } of door.oracle.events.slice(before)) {
      const entries = Object.entries(values).map(([name, value]) => [
        name,
        door.present(name, Array.isArray(value) ? null : plain(value)),
      ]);
      events.push({
        ...event,
        source: source.name,
        commit: at + 1,
        retracts: event.retracts ?? null,
        values: Object.fromEntries(entries),
      });
    }
  });
  return events;
}

/** Rows are of the first schema version: its names and types; what came since has its default. */
function doorOf(source: SourcePlan) {
  const first = new Map(
    columnsAt(source, 1)?.map(({ index, type }) => [source.columns[index]?.name, type]) ?? [],
  );
  const byName = new Map(source.columns.map((column) => [column.name, column]));
  const oracle = new AcceptanceOracle({
    ...source,
    columns: source.columns.map((column) => ({
      ...column,
      type: first.get(column.name) ?? column.type,
      optional: column.optional || (column.default ?? null) !== null,
    })),
  });
  const present = (name: string, value: Scalar): Scalar => {
    const column = byName.get(name);
    if (column === undefined) return value;
    if (value === null) return column.default ?? null;
    const type = first.get(name) ?? column.type;
    return convertScalar(value, type, column.type) ?? null;
  };
  return { oracle, present };
}

function plain(value: unknown): Scalar {
  if (typeof value === 'bigint') return canonicalInteger(value);
  const isScalar = ['number', 'string', 'boolean'].includes(typeof value);
  return isScalar ? (value as Scalar) : null;
}

/** Keys of events, before and after, so that what only one of the two counts is seen. */
export function askedOf(
  plans: readonly (readonly [ProjectPlan, readonly OracleEvent[]])[],
  pushes: readonly Push[],
): Asked {
  const keys = new Map<string, OracleKey[]>();
  for (const [plan, events] of plans) {
    for (const view of plan.views) {
      const known = keys.get(titleOf(view)) ?? [];
      keys.set(titleOf(view), distinct([...known, ...keysOf(view, events)]));
    }
  }
  const last = pushes.at(-1)?.nowMs ?? 0;
  const middle = pushes[Math.floor(pushes.length / 2)]?.nowMs ?? 0;
  return { keys, timesMs: [middle, last, last + 45_000, last + 7_000_000] };
}

function keysOf(view: ViewPlan, events: readonly OracleEvent[]): OracleKey[] {
  const own = events.filter(({ source }) => source === view.source);
  const keys = own.map(({ values }): OracleKey => {
    return Object.fromEntries(
      Object.entries(view.key).map(([name, column]) => [name, values[column] ?? null]),
    );
  });
  const whole = distinct(keys.filter((key) => !Object.values(key).includes(null)));
  return whole.slice(0, KEYS_MAX);
}

function distinct(keys: readonly OracleKey[]): OracleKey[] {
  return [...new Map(keys.map((key) => [exactJsonOf(key), key])).values()];
}

/** Every feature's value and status, by view, key and time. */
export function valuesOf(
  plan: ProjectPlan,
  events: readonly OracleEvent[],
  { keys, timesMs }: Asked,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const oracle = new PlatformOracle(plan, events);
  return new Map(
    plan.views.map((view) => {
      const values = new Map<string, string>();
      for (const key of keys.get(titleOf(view)) ?? []) {
        for (const timeMs of timesMs) {
          const answers = oracle.view(view, key, timeMs, (one) => one.arrivalTimeMs <= timeMs);
          for (const [name, answer] of answers) {
            values.set(`${name} of ${exactJsonOf(key)} at ${timeMs}`, exactJsonOf(answer));
          }
        }
      }
      return [titleOf(view), values];
    }),
  );
}

export function titleOf({ name, version }: Pick<ViewPlan, 'name' | 'version'>): string {
  return `${name}@${version}`;
}
