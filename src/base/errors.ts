import { type ErrorDomain, type ErrorRow, user } from './error-row.ts';
import { GOVERNANCE_ERRORS } from './governance-errors.ts';
import { OFFLINE_ERRORS } from './offline-errors.ts';
import { SERVING_ERRORS } from './serving-errors.ts';

/** The one table of errors. docs/ERRORS.md is generated from it; a test compares the two. */
export const ERRORS = {
  // Definitions.
  invalid_definition: user(422, 'A definition breaks one or more rules.', 'Fix each listed issue.'),
  invalid_duration: user(422, 'A duration could not be read.', "Write '10m', '3h' or '7d'."),
  invalid_name: user(422, 'A name has characters that are not allowed.', 'Use [a-z][a-z0-9_]*.'),
  type_mismatch: user(422, 'An expression mixes types.', 'Compare and combine values of one type.'),
  definitions_failed: user(422, 'The definitions file did not load.', 'Fix the error shown.'),
  version_conflict: user(409, 'A name@version already means something else.', 'Raise the version.'),
  unknown_name: user(404, 'A name is not known.', 'Check the spelling against `asof status`.'),
  not_applied: user(409, 'Nothing has been applied yet.', 'Run `asof apply` first.'),
  // Events and acceptance (semantics §1).
  malformed_json: user(400, 'The text is not JSON.', 'Send one JSON object a line.'),
  not_an_object: user(400, 'A row is not a JSON object.', 'Send an object of columns.'),
  unknown_column: user(422, 'A row has a column that the source lacks.', 'Remove or declare it.'),
  missing_column: user(
    422,
    'A required column is missing or null.',
    'Send it or make it optional.',
  ),
  wrong_type: user(422, 'A value does not fit its column type.', 'Send the declared type.'),
  out_of_range: user(422, 'A value lies outside its declared range.', 'Check units and ranges.'),
  invalid_time: user(422, 'A time is negative or not whole milliseconds.', 'Send epoch ms, UTC.'),
  too_late: user(
    422,
    'The event exceeds the allowed lateness.',
    'Raise allowedLateness beyond the age of the event by now, and the version of the views (it is ' +
      'part of their meaning), then re-admit it: without a declared arrivalTime it is judged by ' +
      'its new arrival.',
  ),
  from_the_future: user(422, 'The event lies ahead of its arrival.', 'Check clocks and units.'),
  duplicate: user(409, 'An event of this id was taken within the horizon.', 'Nothing to do.'),
  unknown_operation: user(422, 'A row does what the source does not declare.', 'Send a known one.'),
  changed_id: user(422, 'An update changes the id of its event.', 'Send a delete and an insert.'),
  not_live: user(
    409,
    'The event that a row changes is not held: unknown, taken back, or beyond the horizon.',
    'Send the event first, or declare a longer changes.horizon.',
  ),
  malformed_columns: user(
    400,
    'A columnar body is not of the documented form.',
    'See docs/columnar-events.md.',
  ),
  schema_mismatch: user(
    409,
    'A columnar body was written for another layout of the source.',
    'Send it by the definitions that are applied.',
  ),
  unreadable_row: user(
    422,
    'A row could not be read in the format of its source.',
    'Fix what writes it; the row is in the dead letters as it came.',
  ),
  // Imports.
  session_ended: user(
    409,
    'The server no longer knows what an import has seen of the history.',
    'Start the run again: it goes on where it stopped.',
  ),
  // Connectors.
  source_changed: user(
    409,
    'What was read already is not there any more, or is another one.',
    'See docs/connectors.md; nothing was skipped or read twice.',
  ),
  // Requests.
  bad_request: user(400, 'The request is not of the documented form.', 'See the OpenAPI document.'),
  unknown_source: user(404, 'No source has this name.', 'Check the spelling.'),
  unknown_service: user(404, 'No service has this name.', 'Check the spelling.'),
  unknown_feature: user(404, 'No feature has this name.', 'Check the spelling.'),
  invalid_key: user(
    422,
    'An entity key is missing, empty or of the wrong type.',
    'Send each join key.',
  ),
  invalid_field: user(
    422,
    'A field of a request row is missing or of the wrong type.',
    'Send each field that the service declares, in its type.',
  ),
  too_many_rows: user(413, 'The request has more rows than the limit.', 'Split the request.'),
  body_too_large: user(413, 'The request body is larger than the limit.', 'Split the request.'),
  // Training and verification.
  invalid_spine: user(422, 'The spine cannot be used as it is.', 'Fix the columns named.'),
  column_collision: user(422, 'A spine column has the name of a feature.', 'Rename or prefix it.'),
  file_not_found: user(404, 'A file does not exist.', 'Check the path.'),
  unreadable_file: user(
    422,
    'A file could not be read in its format.',
    'Check format and content.',
  ),
  ...OFFLINE_ERRORS,
  ...GOVERNANCE_ERRORS,
  ...SERVING_ERRORS,
  // Running.
  usage: user(400, 'The command was called in a way it does not know.', 'See --help.'),
  directory_in_use: user(
    409,
    'Another process uses the data directory.',
    'Stop it or use another.',
  ),
  address_in_use: user(409, 'The address to listen on is taken.', 'Use another port.'),
  run_conflict: user(
    409,
    'Another run works on the same, or has published meanwhile.',
    'Wait for its end, then run this again; it goes on where it was.',
  ),
  over_quota: user(
    409,
    'An owner has used up what it may use.',
    'Raise its quota in asof.json, or remove what it no longer needs.',
  ),
  newer_format: user(409, 'The data was written by a newer asof.', 'Upgrade asof.'),
  invalid_config: user(422, 'The configuration is not valid.', 'Fix the setting named.'),
  disk_full: {
    domain: 'external',
    retryable: true,
    status: 507,
    meaning: 'The disk is full.',
    remedy: 'Free space; unacknowledged events were not taken.',
  },
  disk_failed: {
    domain: 'external',
    retryable: true,
    status: 503,
    meaning: 'The disk failed.',
    remedy: 'Check the device; then restart.',
  },
  out_of_memory: {
    domain: 'external',
    retryable: false,
    status: 507,
    meaning: 'A query needs more memory than its limit.',
    remedy: 'Raise the memory limit, or give a spill folder with free space.',
  },
  server_unreachable: {
    domain: 'external',
    retryable: true,
    status: 503,
    meaning: 'The server did not answer.',
    remedy: 'Start it with `asof dev` or check the address.',
  },
  source_unreachable: {
    domain: 'external',
    retryable: true,
    status: 503,
    meaning: 'What a connector reads from does not answer.',
    remedy: 'Nothing to do: it is tried again until it answers.',
  },
  overloaded: {
    domain: 'external',
    retryable: true,
    status: 429,
    meaning: 'A bounded queue is full.',
    remedy: 'Retry after the time given.',
  },
  state_full: {
    domain: 'external',
    retryable: true,
    status: 429,
    meaning: 'The state takes all the memory that it may.',
    remedy: 'Raise the budget that the message names, or let cold keys move to disk.',
  },
  not_ready: {
    domain: 'external',
    retryable: true,
    status: 503,
    meaning: 'The server is starting, stopping, or building its state anew.',
    remedy: 'Retry shortly.',
  },
  corrupt_log: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'A log segment fails its checksum before its end.',
    remedy: 'Restore the segment from a copy; nothing was guessed.',
  },
  corrupt_archive: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'The archive or its manifest is damaged, or lacks a file.',
    remedy: 'Restore the archive folder from a copy; nothing was guessed.',
  },
  corrupt_catalog: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'The catalog of offline files is damaged.',
    remedy:
      'Restore catalog.db from a copy, or move it away: tiles and tables are then built anew ' +
      'from the log, the archive and upstream.',
  },
  corrupt_state: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'A checkpoint does not fit the log.',
    remedy: 'Delete the state folder; it is rebuilt from the log.',
  },
  rows_lost: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'Rows were lost or changed between two steps of a run.',
    remedy: 'Nothing of it was published; run it again, and report it if it stays.',
  },
  internal: {
    domain: 'internal',
    retryable: false,
    status: 500,
    meaning: 'A defect of asof.',
    remedy: 'Report it with the log line.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** One thing wrong with a definition or an input, as data. */
export interface Issue {
  readonly code: ErrorCode;
  /** Where: `views.origin_delays.features.late_24h`, or `row 17, column delay`. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

export interface ErrorDetails {
  readonly path?: string;
  readonly remedy?: string;
  readonly issues?: readonly Issue[];
  readonly cause?: unknown;
  /** How long whoever was refused is to wait, where that is known. */
  readonly retryAfterMs?: number;
}

/** Every error that leaves asof: a code from the table, where it happened, and what to do. */
export class AsofError extends Error {
  override name = 'AsofError';
  readonly code: ErrorCode;
  readonly path: string | null;
  readonly remedy: string;
  readonly issues: readonly Issue[];
  /** Null where it is not known: a second is as good as any. */
  readonly retryAfterMs: number | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = details.path ?? null;
    this.remedy = details.remedy ?? ERRORS[code].remedy;
    this.issues = details.issues ?? [];
    this.retryAfterMs = details.retryAfterMs === undefined ? null : Math.ceil(details.retryAfterMs);
  }

  get domain(): ErrorDomain {
    return ERRORS[this.code].domain;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  toJSON(): object {
    return {
      code: this.code,
      message: cut(this.message),
      path: this.path === null ? null : cut(this.path),
      remedy: this.remedy,
      retryable: this.retryable,
      ...(this.retryAfterMs === null ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.issues.length > 0 ? { issues: this.issues } : {}),
    };
  }
}

/** What somebody sent is part of messages, and may be of any length. */
function cut(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH).toWellFormed()}…` : text;
}

const SHOWN_LENGTH = 10_000;

export function issue(code: ErrorCode, path: string, message: string, remedy?: string): Issue {
  return { code, path: cut(path), message: cut(message), remedy: remedy ?? ERRORS[code].remedy };
}
