import type { OracleEvent, OracleValue } from '../../src/ingest/acceptance-oracle.ts';
import { cellOf } from '../../src/ingest/cell-columns.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { Column, EventBatch } from '../../src/schema/batch.ts';

/** The rows of a logged batch as the acceptance oracle holds its own. */
export function acceptanceEvents(batch: EventBatch, source: SourcePlan): OracleEvent[] {
  const { retractions } = batch;
  return Array.from({ length: batch.count }, (_, i) => {
    const values = Object.fromEntries(
      source.columns.map(({ name }, at) => [name, oracleValue(batch.columns[at], i)]),
    );
    const taken = retractions?.weights[i] === -1 ? retractions : null;
    const retracts = taken && {
      partition: taken.partitions[i] ?? -1,
      offset: taken.offsets[i] ?? -1,
    };
    return {
      partition: batch.partition,
      offset: batch.firstOffset + i,
      eventTimeMs: batch.eventTimeMs[i] ?? Number.NaN,
      arrivalTimeMs: batch.arrivalTimeMs[i] ?? Number.NaN,
      id: source.id === null ? null : String(values[source.id]),
      values,
      retracts,
      sequence: taken?.sequences?.[i] ?? null,
    };
  });
}

function oracleValue(column: Column | undefined, row: number): OracleValue {
  const cell = column === undefined ? null : cellOf(column, row);
  if (cell instanceof Float32Array) return [...cell];
  const isWhole = typeof cell === 'number' && column?.type.kind !== 'float64';
  return isWhole ? BigInt(cell) : cell;
}
