import type { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { TileChunk } from '../aggregate/tile-cells.ts';
import {
  keyColumn,
  TILE_DAY_MS,
  TILE_START,
  type TileColumn,
  tileColumns,
} from '../aggregate/tile-format.ts';
import { TileImport } from '../aggregate/tile-import.ts';
import { TileTable } from '../aggregate/tile-table.ts';
import { assert, present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { readParquet } from '../ingest/archive-relation.ts';
import { columnReader, readPosition } from '../ingest/column-reader.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import { listReader } from '../ingest/list-reader.ts';
import type { TileGroupPlan } from '../plan/plan.ts';
import type { Column } from '../schema/batch.ts';
import { duckDbType } from '../schema/duckdb-type.ts';
import { encodeKey } from '../schema/key.ts';
import type { ListColumn } from '../schema/list-column.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { TileGroup } from '../store/tile-group.ts';
import type { BuildRelief } from './build-relief.ts';
import { keyPart } from './key-resolver.ts';
import type { TileFile, TileSnapshot, TileSnapshots } from './tile-snapshots.ts';

interface Reader {
  readonly name: string;
  readonly column: ((vector: bindings.Vector, count: number) => Column) | null;
  readonly list: ((vector: bindings.Vector, count: number) => ListColumn) | null;
}

/**
 * Brings the tiles of a snapshot into an empty group, file by file and chunk by chunk: what a row
 * then holds is what it would hold had it been given all events of those commits. Tiles that no
 * window can read any more are left out.
 */
export class TileLoader {
  readonly #session: DuckDbSession;
  readonly #group: TileGroup;
  readonly #table: TileTable;
  readonly #import: TileImport;
  readonly #keys: readonly Reader[];
  readonly #parts: readonly Reader[];
  /** What is read of a file, in the order of the readers. */
  readonly #names: readonly string[];
  /** The key whose tile came last, and its row. */
  #key: string | null = null;
  #row = -1;
  tiles = 0;

  constructor(session: DuckDbSession, plan: TileGroupPlan, source: SourceSchema, group: TileGroup) {
    assert(group.table instanceof TileTable, 'only tiles are loaded');
    this.#session = session;
    this.#group = group;
    this.#table = group.table;
    this.#import = new TileImport(group.table);
    this.#keys = plan.keyColumns.map((name, at) => {
      const column = source.columns.find((each) => each.name === name);
      const { type } = present(column, `the source has the key column '${name}'`);
      return { name: keyColumn(at), column: columnReader(type), list: null };
    });
    const columns = plan.accumulators.flatMap((accumulator, index) =>
      tileColumns(accumulator, index, plan.retractable),
    );
    this.#parts = columns.map(readerOf);
    this.#names = [...this.#keys.map(({ name }) => name), TILE_START, ...columns.map(readSql)];
  }

  /** @throws AsofError `corrupt_state` where a file is not as it was published */
  async load(
    { files }: TileSnapshot,
    snapshots: TileSnapshots,
    relief: Pick<BuildRelief, 'relieve'>,
  ): Promise<void> {
    for (const file of files) {
      if (!this.#table.canRead((file.day + 1) * TILE_DAY_MS - 1)) continue;
      if (!(await snapshots.isSound(file))) {
        throw new AsofError('corrupt_state', `The tiles in ${file.path} are damaged.`);
      }
      await this.#loadFile(file, relief);
    }
  }

  async #loadFile({ path }: TileFile, relief: Pick<BuildRelief, 'relieve'>): Promise<void> {
    const sql = `SELECT ${this.#names.join(', ')} FROM ${readParquet([path])}`;
    for await (const chunk of this.#session.chunks(sql)) {
      this.#loadChunk(chunk);
      if (await relief.relieve()) this.#key = null;
    }
  }

  #loadChunk(chunk: DuckDBDataChunk): void {
    const count = chunk.rowCount;
    const vector = (at: number): bindings.Vector => bindings.data_chunk_get_vector(chunk.chunk, at);
    const keys = this.#keys.map(({ column }, at) =>
      present(column, 'a key is one value')(vector(at), count),
    );
    const starts = readPosition(vector(keys.length), count);
    const columns = new Map<string, Column>();
    const lists = new Map<string, ListColumn>();
    for (const [at, { name, column, list }] of this.#parts.entries()) {
      const own = vector(keys.length + 1 + at);
      if (column !== null) columns.set(name, column(own, count));
      if (list !== null) lists.set(name, list(own, count));
    }
    const tiles: TileChunk = { count, columns, lists };
    this.#import.start(tiles);
    const [first] = keys;
    const texts = keys.length === 1 && first?.kind === 'string' ? first.values : null;
    for (let i = 0; i < count; i++) {
      const startMs = starts[i] as number;
      if (!this.#table.canRead(startMs)) continue;
      const key =
        texts === null ? encodeKey(keys.map((part) => keyPart(part, i))) : (texts[i] as string);
      this.#import.merge(i, this.#rowOf(key, startMs), startMs);
      this.tiles += 1;
    }
  }

  #rowOf(key: string, startMs: number): number {
    if (key === this.#key) return this.#row;
    const { keys } = this.#group;
    const known = keys.find(key);
    const id = known < 0 ? keys.add(key) : known;
    const found = this.#group.coverIds(id + 1)[id] as number;
    const row = found < 0 ? this.#group.create(id, startMs) : found;
    this.#group.markChanged(row);
    this.#key = key;
    this.#row = row;
    return row;
  }
}

/** Parquet holds vectors as lists of any length. */
function readSql({ name, type, isList }: TileColumn): string {
  if (type.kind !== 'vector') return name;
  return `CAST(${name} AS ${duckDbType(type)}${isList ? '[]' : ''})`;
}

function readerOf({ name, type, isList }: TileColumn): Reader {
  return isList
    ? { name, column: null, list: listReader(type) }
    : { name, column: columnReader(type), list: null };
}
