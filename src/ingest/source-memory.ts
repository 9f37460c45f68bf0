import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { IdBlock } from './id-snapshot.ts';

/** What the door remembers of a source's past, to judge what comes by it. */
export interface SourceMemory {
  /** Whether a block holds ids of this source, by the column that names its events today. */
  owns(block: IdBlock): boolean;
  /**
   * Takes over what `blocks` wrote; only for one that holds nothing yet. Ids of a time with
   * another number of partitions move to where their repetitions would go today.
   */
  adopt(blocks: readonly IdBlock[]): void;
  blocks(): Generator<IdBlock>;
  /** The events are durable: they are now part of the past. */
  confirm(batch: EventBatch): void;
  /** Claims of each partition that the log has not confirmed. */
  pending(): number[];
  /** Takes claims back, down to what `pending` said before they were made. */
  rollback(pending?: readonly number[]): void;
  /** Remembers events that were logged before this process began. */
  restore(batch: EventBatch): void;
  size(): MemorySize;
}

export interface MemorySize {
  readonly ids: number;
  readonly bytes: number;
  /** So long after its arrival an event can be repeated, or changed, and be known. */
  readonly horizonMs: number;
}

export function ownsBlock({ name, id }: SourceSchema, block: IdBlock): boolean {
  return block.source === name && block.idColumn === id;
}

export function newestOf(times: Float64Array): number {
  let newest = -1;
  for (let i = 0; i < times.length; i++) newest = Math.max(newest, times[i] as number);
  return newest;
}
