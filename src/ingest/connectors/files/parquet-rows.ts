import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { ColumnSchema } from '../../../schema/types.ts';
import { sqlName, sqlString } from '../../archive-relation.ts';
import { DuckDbSession } from '../../duckdb-session.ts';
import type { SourcedRow } from '../../sourced-rows.ts';
import { matchColumns } from './file-columns.ts';
import { type FileChunk, FileRefused, type FileRows, type FileTask } from './file-rows.ts';

const MEMORY_BYTES = 256 * 1024 * 1024;

/** The rows of a Parquet file, read by DuckDB a row group at a time; a place is a row number. */
export class ParquetRows implements FileRows {
  readonly #task: FileTask;
  #session: DuckDbSession | null = null;
  #texts: AsyncGenerator<string[], void, void> | null = null;
  /** Read and not yet given. */
  #ready: string[] = [];
  #at: number;

  constructor(task: FileTask) {
    this.#task = task;
    this.#at = task.at;
  }

  async next(most: number): Promise<FileChunk | null> {
    try {
      this.#texts ??= await this.#open();
      if (this.#ready.length === 0) this.#ready = (await this.#texts.next()).value ?? [];
      if (this.#ready.length === 0) return null;
      const value = this.#ready.slice(0, most);
      this.#ready = this.#ready.slice(most);
      const first = this.#at;
      this.#at += value.length;
      const rows = value.map((body, i): SourcedRow => {
        return { place: `${this.#task.file.name}#${first + i + 1}`, body };
      });
      return { rows, at: this.#at, line: this.#at, unended: false };
    } catch (error) {
      if (error instanceof AsofError && error.retryable) throw error;
      if (error instanceof FileRefused) throw error;
      throw new FileRefused(`cannot be read: ${firstSentence(error)}`);
    }
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  async #open(): Promise<AsyncGenerator<string[], void, void>> {
    const { folder, file, schema, columns } = this.#task;
    const session = await DuckDbSession.open({ memoryBytes: MEMORY_BYTES, threads: 1 });
    this.#session = session;
    const relation = `read_parquet(${sqlString(folder.path(file.name))}, hive_partitioning = false)`;
    const described = await session.rows(
      `SELECT column_name, column_type FROM (DESCRIBE FROM ${relation})`,
    );
    const found = described.map(([name, type]) => ({ name: String(name), type: String(type) }));
    const matched = matchColumns(
      found.map(({ name }) => name),
      schema,
      columns,
    );
    if (typeof matched === 'string') throw new FileRefused(matched);
    const fields = matched.flatMap((column, i) => {
      const from = found[i];
      if (column === null || from === undefined) return [];
      return [`${sqlName(column.name)} := ${valueSql(sqlName(from.name), from.type, column)}`];
    });
    const sql = `SELECT to_json(struct_pack(${fields.join(', ')}))::VARCHAR FROM ${relation} OFFSET ${this.#at}`;
    return textChunks(session, sql);
  }
}

/** What DuckDB says first; the statement that it points into is none of the reader's. */
function firstSentence(error: unknown): string {
  const said = error instanceof AsofError && error.cause instanceof Error ? error.cause : error;
  const words = said instanceof Error ? said.message : String(said);
  return words.trim().split('\n', 1)[0] ?? '';
}

/** A value in the form that the door reads: times as milliseconds, or as text if they are finer. */
function valueSql(name: string, type: string, column: ColumnSchema): string {
  // JSON numbers of DuckDB are doubles where these are exact.
  const isExact = /^(DECIMAL|U?HUGEINT)/.test(type);
  if (isExact || (column.type.kind === 'string' && type !== 'VARCHAR')) {
    return `CAST(${name} AS VARCHAR)`;
  }
  if (column.type.kind !== 'timestamp' || !/^(TIMESTAMP|DATE)/.test(type)) return name;
  const micros = `epoch_us(CAST(${name} AS TIMESTAMP))`;
  const isFiner =
    type === 'TIMESTAMP_NS' ? `epoch_ns(${name}) % 1000000 <> 0` : `${micros} % 1000 <> 0`;
  return `CASE WHEN ${isFiner} THEN to_json(CAST(${name} AS VARCHAR)) ELSE to_json(${micros} // 1000) END`;
}

async function* textChunks(
  session: DuckDbSession,
  sql: string,
): AsyncGenerator<string[], void, void> {
  let texts: string[] = [];
  let bytes = 0;
  for await (const chunk of session.chunks(sql)) {
    for (const [text] of chunk.getRows()) {
      texts.push(String(text));
      bytes += String(text).length;
      if (texts.length < LIMITS.connectorRows && bytes < LIMITS.connectorBytes) continue;
      yield texts;
      texts = [];
      bytes = 0;
    }
  }
  if (texts.length > 0) yield texts;
}
