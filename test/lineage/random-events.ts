import type { Random } from '../../src/base/random.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';
import type { OracleEvent } from '../../src/testing/platform-oracle.ts';

export const START_MS = 1_000_000_000;
const SPAN_MS = 20_000;

/** Accepted events of a source, with few keys and values, so that they meet. */
export function randomEvents(random: Random, source: SourcePlan, count: number): OracleEvent[] {
  return Array.from({ length: count }, (_, offset) => {
    const eventTimeMs = START_MS + random.below(SPAN_MS);
    const values = Object.fromEntries(
      source.columns.map(({ name, type }) => [name, randomValue(random, type)]),
    );
    return {
      source: source.name,
      partition: 0,
      offset,
      commit: offset + 1,
      eventTimeMs,
      arrivalTimeMs: START_MS + SPAN_MS + offset,
      values: { ...values, [source.eventTime]: eventTimeMs },
    };
  });
}

/** The same events with other values of one column, whatever that column is for. */
export function withOther(
  random: Random,
  events: readonly OracleEvent[],
  source: SourcePlan,
  column: string,
): OracleEvent[] {
  const type = source.columns.find(({ name }) => name === column)?.type ?? { kind: 'int64' };
  return events.map((event) => {
    if (event.source !== source.name) return event;
    const isTime = column === source.eventTime;
    const value = isTime ? START_MS + random.below(SPAN_MS) : randomValue(random, type);
    return {
      ...event,
      eventTimeMs: isTime ? Number(value) : event.eventTimeMs,
      values: { ...event.values, [column]: value },
    };
  });
}

function randomValue(random: Random, type: ValueType): Scalar {
  switch (type.kind) {
    case 'bool':
      return random.below(2) === 0;
    case 'string':
      return random.pick(['u1', 'u2', 'A', '']);
    case 'float64':
      return random.below(2000) / 8 - 100;
    case 'timestamp':
      return START_MS + random.below(SPAN_MS);
    default:
      return random.below(9) - 2;
  }
}
