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
 * @param discreet where what is read holds ids: then no value of it is repeated
 */
export function duckDbError(cause: unknown, statement: string, discreet = false): AsofError {
  if (cause instanceof AsofError) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const code = MEANINGS.find(({ says }) => says.test(said))?.code ?? 'internal';
  const words = discreet ? wordsWithoutValues(said) : said;
  const where =
    code === 'internal' ? ` In: ${statement.trim().slice(0, STATEMENT_CHARACTERS)}` : '';
  return new AsofError(code, `DuckDB: ${words.trim()}${where}`, {
    // A cause is logged with what it says.
    cause: words === said ? cause : new Error(words),
  });
}

/** Errors that are about a statement, a file or the machine, and not about a value. */
const OF_NO_VALUE =
  /^((Parser|Binder|Catalog|Syntax|IO|HTTP|Permission|Out of Memory|INTERRUPT)\b|[A-Za-z ]+ Error: No magic bytes)/;

/** DuckDB quotes values that it cannot convert, and whole lines of files around them. */
function wordsWithoutValues(words: string): string {
  if (OF_NO_VALUE.test(words)) return words;
  const kind = /^[A-Z][A-Za-z ]*(?= Error)/.exec(words)?.[0] ?? 'Unknown';
  const line = /\b[Ll]ine:? (\d+)/.exec(words)?.[1];
  const type = /\bto (?:type )?'?([A-Z][A-Z0-9_]+)\b/.exec(words)?.[1];
  const misfit = type === undefined ? 'a value does not fit' : `a value is no ${type}`;
  const what = words.includes('Malformed JSON') ? 'the text is no JSON' : misfit;
  return `${kind} Error: ${what}${line === undefined ? '' : `, in line ${line}`}; ids may be there, so it is not shown.`;
}
