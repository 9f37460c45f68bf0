import { AsofError, type ErrorCode } from '../base/errors.ts';

/** What DuckDB says, matched in order, and what it means to us. */
const MEANINGS: readonly { readonly says: RegExp; readonly code: ErrorCode }[] = [
  {
    says: /No space left on device|available disk space|max_temp_directory_size/i,
    code: 'disk_full',
  },
  { says: /^Out of Memory Error/, code: 'out_of_memory' },
  { says: /No files found that match|No such file or directory/i, code: 'file_not_found' },
  {
    says: /No magic bytes|Parquet (magic|file)|^Serialization Error|thrift/i,
    code: 'unreadable_file',
  },
  { says: /^IO Error/, code: 'disk_failed' },
];

const STATEMENT_CHARACTERS = 200;

/**
 * An AsofError for what DuckDB threw, with its own words; an AsofError stays itself. What has no
 * outside cause is a defect of ours: the SQL is generated.
 */
export function duckDbError(cause: unknown, statement: string): AsofError {
  if (cause instanceof AsofError) return cause;
  const words = cause instanceof Error ? cause.message : String(cause);
  const code = MEANINGS.find(({ says }) => says.test(words))?.code ?? 'internal';
  const where =
    code === 'internal' ? ` In: ${statement.trim().slice(0, STATEMENT_CHARACTERS)}` : '';
  return new AsofError(code, `DuckDB: ${words.trim()}${where}`, { cause });
}
