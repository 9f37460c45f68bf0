import { type ErrorRow, user } from './error-row.ts';

/** The rows of the table of errors that concern datasets, releases and tables. */
export const OFFLINE_ERRORS = {
  // Datasets and releases.
  dataset_unavailable: user(
    409,
    'A dataset is not there as a whole: still being built, given up, or deleted.',
    'See `asof dataset list`.',
  ),
  rebuild_differs: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'A dataset that was built again is not what it was.',
    remedy: 'Please report it, with `asof dataset show`; the file was not written.',
  },
  history_removed: user(
    409,
    'Events that would be needed were removed by retention.',
    'Ask for later times, or for windows that do not reach so far.',
  ),
  not_validated: user(
    409,
    'A version has no passing validation against what is live.',
    'Run `asof validate`, or publish with --force and a reason.',
  ),
  not_built: user(
    409,
    'The tiles of a version are not built, or not caught up.',
    'Run `asof serve`, which builds them, then publish.',
  ),
  not_compatible: user(
    409,
    'Callers that name no version could not use the answers of this one.',
    'Let them name the version, or publish with --force and a reason.',
  ),
  // Tables.
  upstream_schema: user(
    422,
    'What a table reads lacks a declared column, or has it with another type.',
    'Declare what is there, rename the column, or restore it upstream.',
  ),
  upstream_changed: user(
    409,
    'A file was replaced while it was read, or ends in the middle of a row.',
    'Run it again once the file is whole; better, write under another name and rename.',
  ),
  upstream_empty: user(
    409,
    'There are no rows where there had been some.',
    'Check what writes them; if it is right, declare mayBeEmpty.',
  ),
  unit_refused: user(
    409,
    'A unit of a table is not like those before, or not as is declared; nothing of it was taken.',
    'Mend it upstream; if it is right, let it through with --accept and a reason.',
  ),
  duplicate_rows: user(
    422,
    'Rows of one unit have equal keys and event times.',
    "Remove them upstream, or declare duplicates: 'latest' or 'reject'.",
  ),
  undeclared_upstream: user(
    422,
    'A query reads what it does not declare.',
    'Name the source in query({ … }), or correct its name.',
  ),
  query_refused: user(
    422,
    'A query does what would make its result depend on more than its sources.',
    'Write one SELECT over the declared sources, without clocks, randomness, files or settings.',
  ),
  extension_missing: user(
    422,
    'DuckDB lacks the extension that reads such paths.',
    'Put httpfs.duckdb_extension of this DuckDB version into the folder `duckdbExtensions` of asof.json.',
  ),
} as const satisfies Record<string, ErrorRow>;
