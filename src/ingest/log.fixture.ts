import assert from 'node:assert/strict';
import type { Disk } from '../base/disk.ts';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { EventLog, type LogEntry } from './log.ts';

export const SCHEMA: SourceSchema = {
  name: 'clicks',
  columns: [
    { name: 'at', type: { kind: 'timestamp' }, optional: false, min: null, max: null },
    { name: 'user', type: { kind: 'string' }, optional: false, min: null, max: null },
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 1000,
  maxClockSkewMs: 0,
  dedupeHorizonMs: 0,
  partitions: 2,
};

/** A batch whose one row is named by `mark`, with a payload of some size. */
export function entry(mark: number, partition = 0, rows = 1): LogEntry {
  const times = new Float64Array(rows).fill(mark);
  return {
    source: 'clicks',
    partition,
    count: rows,
    eventTimeMs: times,
    arrivalTimeMs: times,
    columns: [
      { kind: 'number', type: { kind: 'timestamp' }, values: times, wide: null, valid: null },
      {
        kind: 'string',
        type: { kind: 'string' },
        values: Array.from({ length: rows }, (_, i) => `user-${mark}-${i}`),
        valid: null,
      },
    ],
  };
}

export const markOf = (batch: EventBatch): number => batch.eventTimeMs[0] ?? -1;
export const hasCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof AsofError && error.code === code;

export function open(disk: Disk, segmentBytes = 600): Promise<EventLog> {
  return EventLog.open({ disk, schemas: [SCHEMA], limits: { segmentBytes } });
}

/** Commits are dense, offsets are dense in each partition, and no mark comes twice. */
export function checkWhole(batches: readonly EventBatch[], firstCommit = 1): number[] {
  const offsets = new Map<number, number>();
  const marks: number[] = [];
  for (const [i, batch] of batches.entries()) {
    assert.equal(batch.commit, firstCommit + i);
    const expected = offsets.get(batch.partition) ?? (firstCommit === 1 ? 0 : batch.firstOffset);
    assert.equal(batch.firstOffset, expected);
    offsets.set(batch.partition, batch.firstOffset + batch.count);
    marks.push(markOf(batch));
  }
  assert.equal(new Set(marks).size, marks.length, `doubled: ${marks}`);
  return marks;
}

/** Two producers that append until the disk gives up; says what was acknowledged and refused. */
export async function produce(log: EventLog, from: number, count: number) {
  const acknowledged: number[] = [];
  const refused: number[] = [];
  const producer = async (parity: number): Promise<void> => {
    for (let i = from + parity; i < from + count; i += 2) {
      try {
        await log.append([entry(i, i % 2)]);
        acknowledged.push(i);
      } catch (error) {
        if (!(error instanceof AsofError)) return;
        refused.push(i);
      }
    }
  };
  await Promise.all([producer(0), producer(1)]);
  return { acknowledged, refused };
}
