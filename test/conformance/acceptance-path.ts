import { AcceptanceOracle, type OracleValue } from '../../src/ingest/acceptance-oracle.ts';
import type { PushResult } from '../../src/ingest/push.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import { canonicalInteger, type Scalar } from '../../src/schema/types.ts';
import type { OracleEvent } from '../../src/testing/platform-oracle.ts';
import type { Tally } from './tally.ts';

/** Holds the door's verdicts, and what it logged, to the acceptance oracle (semantics §1). */
export class AcceptanceCheck {
  readonly #tally: Tally;
  readonly #oracles = new Map<string, AcceptanceOracle>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Takes the past from the log: what a push that failed half-way has left behind. */
  restart(sources: readonly SourcePlan[], events: readonly OracleEvent[]): void {
    for (const source of sources) {
      const oracle = new AcceptanceOracle(source);
      for (const event of events) {
        if (event.source !== source.name) continue;
        const id = source.id === null ? null : String(event.values[source.id]);
        // Where the oracle does not know the partition, it takes them for one.
        const partition = knowsPartition(source) ? event.partition : 0;
        oracle.events.push({ ...event, partition, id });
      }
      this.#oracles.set(source.name, oracle);
    }
  }

  /** One push, row by row in its order, and the events it made. */
  check(
    source: SourcePlan,
    lines: readonly string[],
    nowMs: number,
    result: PushResult,
    made: readonly OracleEvent[],
  ): void {
    const tally = this.#tally;
    const oracle = this.#oracles.get(source.name) ?? new AcceptanceOracle(source);
    this.#oracles.set(source.name, oracle);
    const verdicts = new Map(result.rows.map(({ row, code }) => [row, code]));
    const expected: (typeof oracle.events)[number][] = [];
    lines.forEach((line, row) => {
      const judged = oracle.judge(line, nowMs);
      const code = typeof judged === 'string' ? judged : undefined;
      tally.compare('acceptance', verdicts.get(row), code, () => `the verdict on ${line}`);
      if (typeof judged === 'object') expected.push(judged);
      tally.cover(`verdict ${code ?? 'accepted'}`);
    });
    tally.compare('acceptance', result.received, lines.length, () => 'rows received');
    tally.compare('acceptance', result.accepted, expected.length, () => 'rows accepted');
    this.#compareEvents(source, inOrder(made, source), inOrder(expected, source));
  }

  #compareEvents(
    source: SourcePlan,
    made: readonly OracleEvent[],
    expected: readonly AcceptanceOracle['events'][number][],
  ): void {
    const tally = this.#tally;
    tally.compare('acceptance', made.length, expected.length, () => 'events logged');
    const fields = knowsPartition(source)
      ? (['partition', 'offset', 'eventTimeMs', 'arrivalTimeMs'] as const)
      : (['eventTimeMs', 'arrivalTimeMs'] as const);
    expected.forEach((event, i) => {
      const actual = made[i];
      if (actual === undefined) return;
      const what = `event ${i} of ${source.name}`;
      for (const field of fields) {
        tally.compare('acceptance', actual[field], event[field], () => `${field} of ${what}`);
      }
      for (const { name } of source.columns) {
        const value = scalarOf(event.values[name] ?? null);
        tally.compare('acceptance', actual.values[name], value, () => `${name} of ${what}`);
      }
    });
  }
}

/** Events without ids go to the partitions in turn, which semantics leave open. */
export function knowsPartition(source: SourcePlan): boolean {
  return source.id !== null || source.partitions === 1;
}

function inOrder<T extends { readonly partition: number; readonly offset: number }>(
  events: readonly T[],
  source: SourcePlan,
): readonly T[] {
  if (!knowsPartition(source)) return events;
  return events.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function scalarOf(value: OracleValue): Scalar {
  if (typeof value === 'bigint') return canonicalInteger(value);
  return typeof value === 'object' ? null : value;
}
