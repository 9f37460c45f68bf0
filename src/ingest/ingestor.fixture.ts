import { ManualClock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import type { SourceSchema } from '../schema/types.ts';
import { Ingestor } from './ingestor.ts';
import { EventLog } from './log.ts';

export const NOW_MS = 1_700_000_000_000;
export const SCHEMA: SourceSchema = {
  name: 'clicks',
  columns: [
    { name: 'at', type: { kind: 'timestamp' }, optional: false, min: null, max: null },
    { name: 'id', type: { kind: 'string' }, optional: true, min: null, max: null },
    { name: 'amount', type: { kind: 'int64' }, optional: true, min: null, max: null },
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: 'id',
  allowedLatenessMs: 60_000,
  maxClockSkewMs: 1_000,
  dedupeHorizonMs: 10_000,
  partitions: 2,
};

export const hasCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof AsofError && error.code === code;

export async function start(
  disk: Disk,
  more: { schema?: SourceSchema; limits?: object; nowMs?: number } = {},
) {
  const schema = more.schema ?? SCHEMA;
  const clock = new ManualClock(more.nowMs ?? NOW_MS);
  const log = await EventLog.open({ disk, schemas: [schema], limits: { segmentBytes: 4_000 } });
  const limits = more.limits ?? {};
  const ingestor = Ingestor.open({ disk, log, sources: [schema], clock, limits });
  return { disk, log, ingestor, clock };
}

export const codes = (result: { rows: readonly { code: string }[] }): string[] =>
  result.rows.map(({ code }) => code);
export const idsIn = (log: EventLog): string[] =>
  [...log.read(0)].flatMap((batch) => {
    const column = batch.columns[1];
    return column?.kind === 'string' ? [...column.values] : [];
  });
