import { present } from '../base/assert.ts';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Column, EventBatch } from '../schema/batch.ts';
import { typesOf } from '../schema/evolution.ts';
import {
  type ChangeSchema,
  type ColumnSchema,
  type SourceSchema,
  sameType,
  typeText,
  type ValueType,
} from '../schema/types.ts';
import { convertScalar } from '../schema/widening.ts';
import { cellOf } from './cell-columns.ts';
import { DedupeIndex } from './dedupe-index.ts';
import { type IdBlock, ROWS_VERSION } from './id-snapshot.ts';
import { hashId } from './id-table.ts';
import { type LiveLimits, LiveRows } from './live-rows.ts';
import { type CellValue, readCell, writeCell } from './row-bytes.ts';
import { type MemorySize, newestOf, ownsBlock, type SourceMemory } from './source-memory.ts';

const NO_BYTES = new Uint8Array(0);

export const LIVE_LIMITS: LiveLimits = {
  rows: LIMITS.liveRows,
  bytes: LIMITS.liveRowBytes,
  rowsKept: LIMITS.liveRowsKept,
  bytesKept: LIMITS.liveRowBytesKept,
};

/** The events of one change stream that later rows can change, by partition. */
export class SourceRows implements SourceMemory {
  readonly #schema: SourceSchema;
  readonly changes: ChangeSchema;
  readonly #limits: LiveLimits;
  readonly #partitions: (LiveRows | undefined)[] = [];
  /** The columns by index, in the order of a row's bytes: the operation's last. */
  readonly layout: readonly number[];

  constructor(schema: SourceSchema, changes: ChangeSchema, limits: LiveLimits = LIVE_LIMITS) {
    this.#schema = schema;
    this.changes = changes;
    this.#limits = limits;
    const operation = schema.columns.findIndex(({ name }) => name === changes.column);
    const others = schema.columns.map((_, index) => index).filter((index) => index !== operation);
    this.layout = [...others, operation];
  }

  of(partition: number): LiveRows {
    const rows = this.#partitions[partition] ?? this.#newRows();
    this.#partitions[partition] = rows;
    return rows;
  }

  #newRows(): LiveRows {
    const { horizonMs } = this.changes;
    // An id outlives its event, so that what comes too late is told from what is new.
    const idMs = idHorizonMs(this.#schema, this.changes);
    return new LiveRows({ eventMs: horizonMs, idMs }, this.#limits);
  }

  owns(block: IdBlock): boolean {
    return ownsBlock(this.#schema, block);
  }

  adopt(blocks: readonly IdBlock[]): void {
    const { partitions } = this.#schema;
    const found = blocks.map((block) => {
      const rows = this.#newRows();
      if (block.version === ROWS_VERSION) this.#decode(rows, new ByteReader(block.body));
      else this.#adoptIds(rows, block);
      return { partition: block.partition, rows };
    });
    const atHome = found.every(({ partition, rows }) =>
      rows.every((hash) => hash % partitions === partition),
    );
    if (atHome) {
      for (const { partition, rows } of found) this.#partitions[partition] = rows;
      return;
    }
    const homes = Array.from({ length: partitions }, (_, partition) => this.of(partition));
    for (const { partition, rows } of found) {
      homes[partition]?.confirm(0, rows.newestArrivalMs);
      rows.spread(homes, (hash) => hash % partitions);
    }
  }

  #decode(rows: LiveRows, reader: ByteReader): void {
    const names = Array.from({ length: reader.varint() }, () => reader.string());
    const wanted = this.layout.map((index) => this.#columnAt(index));
    const same =
      names.length === wanted.length &&
      names.every((name, i) => name === this.#nameOf(this.layout[i] as number)) &&
      wanted.every((column) => column.default === undefined);
    const cells = cellTranslator(this.#schema, names, wanted);
    rows.decode(reader, (bytes) => (same || bytes.length === 0 ? bytes : cells(bytes)));
  }

  /** Ids that were taken before the source had changes: what they brought is not held. */
  #adoptIds(rows: LiveRows, { body, version }: IdBlock): void {
    const ids = new DedupeIndex(this.#schema.dedupeHorizonMs);
    ids.decode(new ByteReader(body), version);
    const row = { live: true, partition: 0, offset: 0, eventTimeMs: 0, sequence: null };
    ids.each((id, hash, arrivalMs) => {
      rows.restore(id, hash, { ...row, arrivalMs, bytes: NO_BYTES });
    });
    rows.confirm(0, ids.newestArrivalMs);
  }

  *blocks(): Generator<IdBlock> {
    const { name, id } = this.#schema;
    for (const [partition, rows] of this.#partitions.entries()) {
      if (rows === undefined) continue;
      const body = new ByteWriter(1 << 16);
      body.varint(this.layout.length);
      for (const index of this.layout) body.string(this.#nameOf(index));
      rows.encode(body);
      const version = ROWS_VERSION;
      yield { version, source: name, idColumn: id ?? '', partition, body: body.view() };
    }
  }

  #columnAt(index: number): ColumnSchema {
    return present(this.#schema.columns[index], 'a column of the layout');
  }

  /** With its type, where it had others: the cells themselves do not tell. */
  #nameOf(index: number): string {
    const column = this.#columnAt(index);
    const isWidened = typesOf(this.#schema, column).length > 1;
    return isWidened ? `${column.name} ${typeText(column.type)}` : column.name;
  }

  confirm(batch: EventBatch): void {
    this.of(batch.partition).confirm(batch.count, newestOf(batch.arrivalTimeMs));
  }

  pending(): number[] {
    return Array.from(this.#partitions, (rows) => rows?.pending ?? 0);
  }

  rollback(pending: readonly number[] = []): void {
    this.#partitions.forEach((rows, partition) => {
      rows?.rollback(pending[partition] ?? 0);
    });
  }

  restore(batch: EventBatch): void {
    const { columns, partitions } = this.#schema;
    const ids = columnOf(
      batch,
      columns.findIndex(({ name }) => name === this.#schema.id),
    );
    const sequenceAt = columns.findIndex(({ name }) => name === this.changes.sequence);
    const sequences = sequenceAt < 0 ? null : columnOf(batch, sequenceAt);
    const bytes = new ByteWriter();
    for (let i = 0; i < batch.count; i++) {
      // Before the source had changes, an event could come without an id.
      const cell = cellOf(ids, i);
      if (cell === null) continue;
      const id = String(cell);
      const hash = hashId(id);
      const live = (batch.retractions?.weights[i] ?? 1) > 0;
      const sequence = sequences === null ? null : sequenceOf(batch, sequences, i);
      bytes.reset();
      if (live) this.#write(bytes, batch, i);
      const row = { live, sequence, bytes: bytes.view(), partition: batch.partition };
      const arrivalMs = batch.arrivalTimeMs[i] as number;
      const eventTimeMs = batch.eventTimeMs[i] as number;
      const offset = batch.firstOffset + i;
      // Its own partition, unless there was another number of them when it was logged.
      this.of(hash % partitions).restore(id, hash, { ...row, arrivalMs, eventTimeMs, offset });
    }
    if (batch.partition >= partitions) return;
    this.of(batch.partition).confirm(0, newestOf(batch.arrivalTimeMs));
  }

  #write(writer: ByteWriter, batch: EventBatch, row: number): void {
    for (const index of this.layout) writeCell(writer, cellOf(columnOf(batch, index), row));
  }

  size(): MemorySize {
    let [ids, bytes] = [0, 0];
    for (const rows of this.#partitions) {
      ids += rows?.size ?? 0;
      bytes += rows?.bytes ?? 0;
    }
    return { ids, bytes, horizonMs: this.changes.horizonMs };
  }
}

/** How long after its last row an id of a change stream is known. */
export function idHorizonMs(schema: SourceSchema, changes: ChangeSchema): number {
  return Math.max(2 * changes.horizonMs, schema.dedupeHorizonMs);
}

/** The cells of a row in the order of its bytes. */
export function cellsOf(bytes: Uint8Array, count: number): CellValue[] {
  const reader = new ByteReader(bytes);
  return Array.from({ length: count }, () => readCell(reader));
}

/** Makes rows of today's columns of rows that were written with others. */
function cellTranslator(
  schema: SourceSchema,
  written: readonly string[],
  wanted: readonly ColumnSchema[],
): (bytes: Uint8Array) => Uint8Array {
  const reads = wanted.map((column) => {
    const at = written.findIndex((text) => text.split(' ')[0] === column.name);
    const [, typed] = written[at]?.split(' ') ?? [];
    const types = typesOf(schema, column);
    const from = types.find((type) => typeText(type) === typed) ?? types[0] ?? column.type;
    return { column, at, from };
  });
  return (bytes) => {
    const cells = cellsOf(bytes, written.length);
    const writer = new ByteWriter(bytes.length + wanted.length);
    for (const { column, at, from } of reads) {
      const held = cells[at] ?? null;
      const cell = held === null ? null : converted(held, from, column, schema.name);
      writeCell(writer, cell ?? column.default ?? null);
    }
    return writer.view();
  };
}

function converted(
  cell: CellValue,
  from: ValueType,
  { name, alias, type }: ColumnSchema,
  source: string,
): CellValue {
  if (sameType(from, type) || cell instanceof Float32Array) return cell;
  const value = convertScalar(cell, from, type);
  if (value !== undefined) return value;
  throw new AsofError(
    'type_mismatch',
    `A held value of '${alias ?? name}' of '${source}' is no ${typeText(type)}: ${String(cell)}.`,
    { path: `sources.${source}.columns.${alias ?? name}` },
  );
}

function columnOf(batch: EventBatch, index: number): Column {
  return present(batch.columns[index], `column ${index} of ${batch.source}`);
}

function sequenceOf({ retractions }: EventBatch, column: Column, row: number): bigint | null {
  if ((retractions?.weights[row] ?? 1) < 0) return retractions?.sequences?.[row] ?? null;
  const cell = cellOf(column, row);
  return typeof cell === 'number' || typeof cell === 'bigint' ? BigInt(cell) : null;
}
