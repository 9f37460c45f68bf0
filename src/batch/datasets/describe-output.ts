import { type DuckDbOptions, DuckDbSession, type RunOptions } from '../../ingest/duckdb-session.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import { columnStatistics } from '../gates/column-statistics.ts';
import { contentChecksum, fileChecksum, outputRelation, typedRelation } from './content.ts';

/** What is written down of a training set's file. */
export interface OutputDescription {
  readonly bytes: number;
  readonly sha256: string;
  readonly contentChecksum: string;
  readonly columns: readonly ColumnStatistics[];
  /** The DuckDB that wrote it. */
  readonly duckdb: string;
}

/** Reads a training set's file once for its bytes, once for its values, and for its statistics. */
export async function describeOutput(
  path: string,
  duckdb: DuckDbOptions,
  options: RunOptions = {},
): Promise<OutputDescription> {
  const session = await DuckDbSession.open(duckdb);
  try {
    const checksum = await contentChecksum(session, outputRelation(path), options);
    const columns = await columnStatistics(session, typedRelation(path), options);
    const version = await duckDbVersion(session);
    return { ...(await fileChecksum(path)), contentChecksum: checksum, columns, duckdb: version };
  } finally {
    session.close();
  }
}

/** The bytes and values of a file alone, to compare them. */
export async function checksumsOf(
  path: string,
  duckdb: DuckDbOptions,
): Promise<Pick<OutputDescription, 'sha256' | 'contentChecksum' | 'duckdb' | 'bytes'>> {
  const session = await DuckDbSession.open(duckdb);
  try {
    const checksum = await contentChecksum(session, outputRelation(path));
    const version = await duckDbVersion(session);
    return { ...(await fileChecksum(path)), contentChecksum: checksum, duckdb: version };
  } finally {
    session.close();
  }
}

async function duckDbVersion(session: DuckDbSession): Promise<string> {
  const [[version] = []] = await session.rows('SELECT version()');
  return String(version);
}
