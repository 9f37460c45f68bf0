import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { DedupeIndex, type DedupeLimits, INDEX_VERSION } from './dedupe-index.ts';
import type { IdBlock } from './id-snapshot.ts';

/** The ids of one source that later events can repeat, by partition. */
export class SourceIds {
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
    return block.source === this.#schema.name && block.idColumn === this.#schema.id;
  }

  /** Takes over what `blocks` wrote; only for ids that hold nothing yet. */
  adopt(blocks: readonly IdBlock[]): void {
    for (const { version, partition, body } of blocks) {
      this.index(partition).decode(new ByteReader(body), version);
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
    let count = batch.count;
    if (ids.valid !== null) for (const flag of ids.valid) if (flag === 0) count -= 1;
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

  /** Remembers the ids of events that were logged before this process began. */
  restore(batch: EventBatch): void {
    const ids = idsOf(this.#schema, batch);
    if (ids === null || ids.kind === 'bool' || ids.kind === 'vector') return;
    const index = this.index(batch.partition);
    for (let i = 0; i < batch.count; i++) {
      if (ids.valid?.[i] === 0) continue;
      const narrow = ids.values[i];
      const exact = ids.kind === 'number' && ids.wide !== null ? ids.wide[i] : narrow;
      index.restore(String(exact), batch.arrivalTimeMs[i] as number);
    }
  }
}

function idsOf(schema: SourceSchema, batch: EventBatch) {
  const index = schema.columns.findIndex((column) => column.name === schema.id);
  return batch.columns[index] ?? null;
}

function newestOf(times: Float64Array): number {
  let newest = -1;
  for (let i = 0; i < times.length; i++) newest = Math.max(newest, times[i] as number);
  return newest;
}
