import type { SourceSchema } from '../schema/types.ts';
import type { LogEntry } from './log.ts';
import { RowChunk } from './row-chunk.ts';

/** A commit without events, for a note that nothing accepted comes with. */
export function emptyCommit(schema: SourceSchema): LogEntry {
  const none = new Float64Array(0);
  return {
    source: schema.name,
    partition: 0,
    count: 0,
    eventTimeMs: none,
    arrivalTimeMs: none,
    columns: new RowChunk(schema, 1, 0).gather(new Int32Array(0)),
  };
}
