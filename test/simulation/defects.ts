import type { EventBatch } from '../../src/schema/batch.ts';
import type { DiskLies } from '../../src/testing/simulated-disk.ts';

/** What can be broken on purpose, through the ports alone, to see that a run finds it. */
export interface Defect {
  readonly disk?: DiskLies;
  /** The engine is given every so many batches with its rows doubled. */
  readonly appliesTwice?: boolean;
  /** Ids of events that could not be logged stay taken. */
  readonly keepsIds?: boolean;
  /** Segments are cut although their ids are not written down. */
  readonly cutsEarly?: boolean;
  /** Dead letters are answered for, and not written. */
  readonly losesLetters?: boolean;
  /** The engine never hears of some commits. */
  readonly skipsRows?: boolean;
}

export const DEFECTS: Readonly<Record<string, Defect>> = {
  'a disk that ignores fsync': { disk: { ignoresSyncs: true } },
  'a disk that ignores the fsync of folders': { disk: { ignoresFolderSyncs: true } },
  'an acknowledgement before the data is durable': { disk: { syncsLateMs: 50 } },
  'a batch applied twice': { appliesTwice: true },
  'a state ahead of the log': { disk: { below: 'log/', ignoresSyncs: true } },
  'ids that are not taken back': { keepsIds: true },
  'segments cut without their ids': { cutsEarly: true },
  'dead letters that are not kept': { losesLetters: true },
  'rows that are not applied': { skipsRows: true },
};

/** The batch as an engine with the defect would take it. */
export function misapplied(batch: EventBatch, defect: Defect): EventBatch {
  const rows = Array.from({ length: batch.count }, (_, i) => i);
  if (defect.appliesTwice === true) return rowsOf(batch, [...rows, ...rows]);
  if (defect.skipsRows === true) return rowsOf(batch, rows.slice(1));
  return batch;
}

function rowsOf(batch: EventBatch, rows: readonly number[]): EventBatch {
  const bytes = (from: Uint8Array): Uint8Array => Uint8Array.from(rows, (i) => from[i] ?? 0);
  const numbers = (from: Float64Array): Float64Array =>
    Float64Array.from(rows, (i) => from[i] ?? 0);
  return {
    ...batch,
    count: rows.length,
    eventTimeMs: numbers(batch.eventTimeMs),
    arrivalTimeMs: numbers(batch.arrivalTimeMs),
    columns: batch.columns.map((column) => {
      const valid = column.valid === null ? null : bytes(column.valid);
      if (column.kind === 'string') {
        return { ...column, valid, values: rows.map((i) => column.values[i] ?? '') };
      }
      if (column.kind === 'bool') return { ...column, valid, values: bytes(column.values) };
      if (column.kind === 'vector') return { ...column, valid };
      const { wide } = column;
      return {
        ...column,
        valid,
        values: numbers(column.values),
        wide: wide === null ? null : BigInt64Array.from(rows, (i) => wide[i] ?? 0n),
      };
    }),
  };
}
