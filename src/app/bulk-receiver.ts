import type { BulkReceiver, IncomingChunk } from '../ingest/bulk-door.ts';
import type { StreamEngine } from '../stream/stream-engine.ts';
import type { DoorWay } from './door-way.ts';

interface Way extends DoorWay {
  readonly engine: () => StreamEngine | null;
  /** Opens door and engine anew, by the notes of the log. */
  readonly reopen: () => Promise<void>;
}

/**
 * The bulk door of a running platform. Before the first history of a source the engine is opened
 * anew where it has let go of sessions that old events may join: reads go on meanwhile, pushes wait.
 */
export function bulkReceiver({ admit, pass, door, engine, reopen }: Way): BulkReceiver {
  const prepare = async (chunk: IncomingChunk): Promise<void> => {
    const { source, run } = chunk;
    if (chunk.import === undefined) return;
    if (door().bulk.isNew(source, run)) await pass(() => door().bulk.open(chunk));
    if (engine()?.canImport(source) === false) await reopen();
  };
  return {
    start: (source, run) => pass(async () => door().bulk.start(source, run)),
    taken: (source, run) => pass(async () => door().bulk.taken(source, run)),
    take: async (chunk) => {
      await admit(chunk.source);
      await prepare(chunk);
      return pass(() => door().bulk.take(chunk));
    },
    finish: (source, run) =>
      pass(async () => {
        await door().bulk.finish(source, run);
        if (!door().bulk.isImporting(source)) engine()?.endImport(source);
      }),
  };
}
