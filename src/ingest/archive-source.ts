import type { Disk } from '../base/disk.ts';
import type { EventBatch } from '../schema/batch.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import type { ColumnSchema, SourceSchema } from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import { SchemaBook } from './schema-book.ts';
import { readSegments, type SchemaOf } from './segment-reader.ts';

/** Where the archive takes events from. */
export interface ArchiveSource {
  /** The schemas that hold all there is in the log now; asked before each reading. */
  schemas(): SchemaOf;
  read(afterCommit: number, schemaOf: SchemaOf): Iterable<EventBatch>;
}

/**
 * The log's segments. Events are archived with every column their source ever had, so that a
 * column dropped from a schema today is still there when it is declared again tomorrow.
 */
export function segmentSource(disk: Disk): ArchiveSource {
  return {
    schemas: () => {
      const widest = widestSchemas(new SchemaBook(disk).all());
      return (source) => widest.get(source);
    },
    read: (afterCommit, schemaOf) => readSegments(disk, afterCommit, schemaOf),
  };
}

/** One schema a source, with the columns of all of its schemas, each of the widest type it had. */
export function widestSchemas(schemas: readonly SourceSchema[]): Map<string, SourceSchema> {
  const widest = new Map<string, SourceSchema>();
  for (const schema of schemas) {
    const before = widest.get(schema.name);
    if (before === undefined || schemaFingerprint(before) === schemaFingerprint(schema)) {
      widest.set(schema.name, schema);
      continue;
    }
    const known = new Set(before.columns.map((column) => column.name));
    const added = schema.columns.filter((column) => !known.has(column.name));
    const columns = [...before.columns.map((column) => widerOf(column, schema)), ...added];
    widest.set(schema.name, {
      ...schema,
      columns,
      changes: schema.changes ?? before.changes ?? null,
      table: schema.table ?? before.table ?? null,
    });
  }
  return widest;
}

function widerOf(column: ColumnSchema, { columns }: SourceSchema): ColumnSchema {
  const other = columns.find(({ name }) => name === column.name);
  return other !== undefined && isWidening(column.type, other.type)
    ? { ...column, type: other.type }
    : column;
}
