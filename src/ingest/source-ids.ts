import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { DedupeIndex, type DedupeLimits, INDEX_VERSION } from './dedupe-index.ts';
import type { IdBlock } from './id-snapshot.ts';
import { hashId } from './id-table.ts';
import { type MemorySize, newestOf, ownsBlock, type SourceMemory } from './source-memory.ts';

/** The ids of one source that later events can repeat, by partition. */
export class SourceIds implements SourceMemory {
  readonly #schema: SourceSchema;
  readonly #limits: DedupeLimits;
  readonly #indexes: (DedupeIndex | undefined)[] = [];

  constructor(schema: SourceSchema, limits: DedupeLimits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  index(partition: number): DedupeIndex {
    const { dedupeHorizonMs } = this.#schema;
    const index = this.#indexes[partition] ?? new DedupeIndex(dedupeHorizonMs, this.#limits);
    this.#indexes[partition] = index;
    return index;
  }

  /** Whether a block holds ids of this source, by the column that names its events today. */
  owns(block: IdBlock): boolean {
    return ownsBlock(this.#schema, block);
  }

  /**
   * Takes over what `blocks` wrote; only for ids that hold nothing yet. Ids of a time with another
   * number of partitions move to where their repetitions would go today.
   */
  adopt(blocks: readonly IdBlock[]): void {
    const { dedupeHorizonMs, partitions } = this.#schema;
    const found = blocks.map(({ version, partition, body }) => {
      const index = new DedupeIndex(dedupeHorizonMs, this.#limits);
      index.decode(new ByteReader(body), version);
      return { partition, index };
    });
    const atHome = found.every(({ partition, index }) =>
      index.every((hash) => hash % partitions === partition),
    );
    if (atHome) {
      for (const { partition, index } of found) this.#indexes[partition] = index;
      return;
    }
    const homes = Array.from({ length: partitions }, (_, partition) => this.index(partition));
    for (const { partition, index } of found) {
      homes[partition]?.confirm(0, index.newestArrivalMs);
      index.spread(homes, (hash) => hash % partitions);
    }
  }

  *blocks(): Generator<IdBlock> {
    for (const [partition, index] of this.#indexes.entries()) {
      if (index === undefined) continue;
      const body = new ByteWriter(1 << 16);
      index.encode(body);
      const { name, id } = this.#schema;
      const bytes = body.view();
      yield { version: INDEX_VERSION, source: name, idColumn: id ?? '', partition, body: bytes };
    }
  }

  /** The events are durable: their ids are now part of the past. */
  confirm(batch: EventBatch): void {
    const ids = idsOf(this.#schema, batch);
    if (ids === null) return;
    let count = batch.heldIds ?? batch.count;
    if (batch.heldIds === undefined && ids.valid !== null)
      for (const flag of ids.valid) if (flag === 0) count -= 1;
    this.index(batch.partition).confirm(count, newestOf(batch.arrivalTimeMs));
  }

  /** Claims of each partition that the log has not confirmed. */
  pending(): number[] {
    return Array.from(this.#indexes, (index) => index?.pending ?? 0);
  }

  /** Takes claims back, down to what `pending` said before they were made. */
  rollback(pending: readonly number[] = []): void {
    this.#indexes.forEach((index, partition) => {
      index?.rollback(pending[partition] ?? 0);
    });
  }

  size(): MemorySize {
    let [ids, bytes] = [0, 0];
    for (const index of this.#indexes) {
      ids += index?.size ?? 0;
      bytes += index?.bytes ?? 0;
    }
    return { ids, bytes, horizonMs: this.#schema.dedupeHorizonMs };
  }

  /** Remembers the ids of events that were logged before this process began. */
  restore(batch: EventBatch): void {
    const ids = idsOf(this.#schema, batch);
    if (ids === null || ids.kind === 'bool' || ids.kind === 'vector') return;
    const { partitions } = this.#schema;
    for (let i = 0; i < batch.count; i++) {
      if (ids.valid?.[i] === 0) continue;
      const narrow = ids.values[i];
      const exact = ids.kind === 'number' && ids.wide !== null ? ids.wide[i] : narrow;
      const id = String(exact);
      const hash = hashId(id);
      // Its own partition, unless there was another number of them when it was logged.
      this.index(hash % partitions).restore(id, batch.arrivalTimeMs[i] as number, hash);
    }
    if (batch.partition >= partitions) return;
    this.index(batch.partition).confirm(0, newestOf(batch.arrivalTimeMs));
  }
}

function idsOf(schema: SourceSchema, batch: EventBatch) {
  const index = schema.columns.findIndex((column) => column.name === schema.id);
  return batch.columns[index] ?? null;
}
