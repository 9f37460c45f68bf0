import { type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { assert } from '../base/assert.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { Relation } from './archive-relation.ts';
import { CHUNK_ROWS, type ColumnSink } from './chunk-memory.ts';
import { columnSink, IntegerSink, PositionSink, WeightSink } from './column-sink.ts';
import { duckDbError } from './duckdb-error.ts';

/**
 * Appends event batches to a DuckDB table of the offline relation: columns are copied as blocks of
 * memory into data chunks, with no value ever made a JavaScript object of its own.
 *
 * @example
 * const loader = await EventLoader.open(connection, 'stage', relationOf(source));
 * loader.append(batch);
 * loader.close();
 */
export class EventLoader {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #vectors: readonly bindings.Vector[];
  readonly #commit = new IntegerSink();
  readonly #partition = new PositionSink();
  readonly #offset = new IntegerSink();
  readonly #eventTime = new IntegerSink();
  readonly #arrivalTime = new IntegerSink();
  /** Of a source with changes. */
  readonly #weight = new WeightSink();
  readonly #originPartition = new PositionSink();
  readonly #originOffset = new IntegerSink();
  readonly #weighted: boolean;
  readonly #own: readonly ColumnSink[];
  readonly #all: readonly { flush(vector: bindings.Vector, count: number): void }[];
  #filled = 0;
  #isEnded = false;

  private constructor(
    appender: DuckDBAppender,
    chunk: DuckDBDataChunk,
    { columns, weighted }: Relation,
  ) {
    this.#appender = appender;
    this.#chunk = chunk;
    this.#weighted = weighted;
    this.#own = columns.map(({ type }) => columnSink(type));
    this.#all = [
      this.#commit,
      this.#partition,
      this.#offset,
      this.#eventTime,
      this.#arrivalTime,
      ...(weighted ? [this.#weight, this.#originPartition, this.#originOffset] : []),
      ...this.#own,
    ];
    this.#vectors = this.#all.map((_, index) => bindings.data_chunk_get_vector(chunk.chunk, index));
  }

  /** `table` exists already and has exactly the offline relation. */
  static async open(
    connection: DuckDBConnection,
    table: string,
    relation: Relation,
  ): Promise<EventLoader> {
    try {
      const appender = await connection.createAppender(table);
      const types = Array.from({ length: appender.columnCount }, (_, index) =>
        appender.columnType(index),
      );
      return new EventLoader(appender, DuckDBDataChunk.create(types), relation);
    } catch (cause) {
      throw duckDbError(cause, `append to ${table}`);
    }
  }

  /** Copies the batch; its columns must be those that the loader was opened with, in order. */
  append(batch: EventBatch): void {
    assert(
      batch.columns.length === this.#own.length,
      `commit ${batch.commit} of ${batch.source} has ${batch.columns.length} columns`,
    );
    for (let from = 0; from < batch.count; ) {
      const count = Math.min(batch.count - from, CHUNK_ROWS - this.#filled);
      this.#copy(batch, from, count);
      this.#filled += count;
      from += count;
      if (this.#filled === CHUNK_ROWS) this.#flushChunk();
    }
  }

  #copy(batch: EventBatch, from: number, count: number): void {
    const at = this.#filled;
    this.#commit.fill(batch.commit, at, count);
    this.#partition.fill(batch.partition, at, count);
    this.#offset.count(batch.firstOffset + from, at, count);
    this.#eventTime.copy(batch.eventTimeMs, from, at, count);
    this.#arrivalTime.copy(batch.arrivalTimeMs, from, at, count);
    if (this.#weighted) this.#copyOrigins(batch, from, count);
    for (const [index, sink] of this.#own.entries()) {
      const column = batch.columns[index];
      if (column !== undefined) sink.append(column, from, at, count);
    }
  }

  #copyOrigins({ retractions, partition, firstOffset }: EventBatch, from: number, count: number) {
    const at = this.#filled;
    if (retractions === null || retractions === undefined) {
      this.#weight.fill(1, at, count);
      this.#originPartition.fill(partition, at, count);
      this.#originOffset.count(firstOffset + from, at, count);
      return;
    }
    this.#weight.copy(retractions.weights, from, at, count);
    this.#originPartition.copy(retractions.partitions, from, at, count);
    this.#originOffset.copy(retractions.offsets, from, at, count);
  }

  #flushChunk(): void {
    const count = this.#filled;
    if (count === 0) return;
    try {
      bindings.data_chunk_reset(this.#chunk.chunk);
      bindings.data_chunk_set_size(this.#chunk.chunk, count);
      for (const [index, sink] of this.#all.entries()) {
        const vector = this.#vectors[index];
        if (vector !== undefined) sink.flush(vector, count);
      }
      this.#appender.appendDataChunk(this.#chunk);
    } catch (cause) {
      throw duckDbError(cause, 'append a data chunk');
    }
    this.#filled = 0;
  }

  /** Makes all rows visible in the table and ends the loader. */
  close(): void {
    this.#flushChunk();
    this.#end();
  }

  /** Ends the loader, dropping what has not been made visible; harmless after `close`. */
  abandon(): void {
    if (this.#isEnded) return;
    this.#appender.clear();
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    try {
      this.#appender.closeSync();
    } catch (cause) {
      throw duckDbError(cause, 'finish appending');
    }
  }
}
