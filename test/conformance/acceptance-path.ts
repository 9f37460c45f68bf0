import { AcceptanceOracle, type OracleEvent } from '../../src/ingest/acceptance-oracle.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { acceptanceEvents } from './acceptance-events.ts';
import { coverChanges } from './cover-retractions.ts';
import type { Tally } from './tally.ts';

/** What the door says of rows that it was given. */
export interface Verdicts {
  readonly received: number;
  readonly accepted: number;
  /** Of those that were refused, by their place. */
  readonly rows: readonly { readonly row: number; readonly code: string }[];
}

/** Holds the door's verdicts, and what it logged, to the acceptance oracle (semantics §1). */
export class AcceptanceCheck {
  readonly #tally: Tally;
  readonly #oracles = new Map<string, AcceptanceOracle>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Takes the past from the log: what a push that failed half-way has left behind. */
  restart(sources: readonly SourcePlan[], batches: readonly EventBatch[]): void {
    for (const source of sources) {
      const oracle = new AcceptanceOracle(source);
      for (const event of eventsOf(batches, source)) {
        // Where the oracle does not know the partition, it takes them for one.
        const partition = knowsPartition(source) ? event.partition : 0;
        oracle.events.push({ ...event, partition });
      }
      this.#oracles.set(source.name, oracle);
    }
  }

  /** One push, row by row in its order, and the batches it made. */
  check(
    source: SourcePlan,
    lines: readonly string[],
    nowMs: number,
    result: Verdicts,
    made: readonly EventBatch[],
  ): void {
    const tally = this.#tally;
    const verdicts = new Map<number, string>(result.rows.map(({ row, code }) => [row, code]));
    const { codes, events } = this.#judge(source, lines, nowMs);
    codes.forEach((code, row) => {
      tally.compare('acceptance', verdicts.get(row), code, () => `the verdict on ${lines[row]}`);
      tally.cover(`verdict ${code ?? 'accepted'}`);
    });
    const accepted = codes.filter((code) => code === undefined).length;
    tally.compare('acceptance', result.received, lines.length, () => 'rows received');
    tally.compare('acceptance', result.accepted, accepted, () => 'rows accepted');
    const logged = eventsOf(made, source);
    this.#compareEvents(source, inOrder(logged, source), inOrder(events, source));
    if (source.changes) coverChanges(tally, logged);
  }

  /** Rows are judged one after another: their codes, and the events of those without one. */
  #judge(source: SourcePlan, lines: readonly string[], nowMs: number) {
    const oracle = this.#oracles.get(source.name) ?? new AcceptanceOracle(source);
    this.#oracles.set(source.name, oracle);
    const before = oracle.events.length;
    const codes = lines.map((line) => {
      const judged = oracle.judge(line, nowMs);
      return typeof judged === 'string' ? judged : undefined;
    });
    return { codes, events: oracle.events.slice(before) };
  }

  #compareEvents(
    source: SourcePlan,
    made: readonly OracleEvent[],
    expected: readonly OracleEvent[],
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
      if (source.changes) {
        const taken = event.retracts ?? null;
        tally.compare('acceptance', actual.retracts, taken, () => `what ${what} takes back`);
      }
      for (const { name } of source.columns) {
        const value = event.values[name] ?? null;
        tally.compare('acceptance', actual.values[name], value, () => `${name} of ${what}`);
      }
    });
  }
}

/** Events without ids go to the partitions in turn, which semantics leave open. */
export function knowsPartition(source: SourcePlan): boolean {
  return source.id !== null || source.partitions === 1;
}

function eventsOf(batches: readonly EventBatch[], source: SourcePlan): OracleEvent[] {
  const own = batches.filter((batch) => batch.source === source.name);
  return own.flatMap((batch) => acceptanceEvents(batch, source));
}

function inOrder<T extends { readonly partition: number; readonly offset: number }>(
  events: readonly T[],
  source: SourcePlan,
): readonly T[] {
  if (!knowsPartition(source)) return events;
  return events.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}
