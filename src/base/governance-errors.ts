import { type ErrorRow, user } from './error-row.ts';

/** The rows of the table of errors that concern who may do what, and how definitions change. */
export const GOVERNANCE_ERRORS = {
  // Identity and access.
  unauthenticated: user(
    401,
    'The request brings no identity that is valid now.',
    'Send it as `authorization: Bearer` and the token; the command line takes it from ASOF_TOKEN.',
  ),
  forbidden: user(
    403,
    'This identity may not do that.',
    'Ask an admin of the namespace for the role or the label that is named.',
  ),
  // Models (what may be read, and what no longer fits).
  unknown_model: user(404, 'No model version has this name.', 'Check name and version.'),
  contract_violated: user(
    409,
    'An answer does not fit what the model registered.',
    'Read the version that it is pinned to, or register a new version of the model.',
  ),
  // Lifecycle, approvals and audit.
  not_active: user(
    409,
    'This version is not served: it waits for approval, or is retired.',
    'See `asof lifecycle show`, or ask for another version.',
  ),
  lifecycle_refused: user(
    409,
    'The lifecycle of a version does not allow that now.',
    'See `asof lifecycle show` for its state and what it waits for.',
  ),
  still_used: user(
    409,
    'A version cannot be retired while something names it.',
    'Move what is named to another version first.',
  ),
  audit_broken: {
    domain: 'external',
    retryable: false,
    status: 500,
    meaning: 'The audit is not what was written to it.',
    remedy: 'Compare with a copy and a head that was kept elsewhere; nothing was repaired.',
  },
  audit_key_missing: user(
    409,
    'The audit is signed, and the key for that is not given.',
    'Give the key in ASOF_AUDIT_KEY to everything that writes to the registry.',
  ),
  // Definitions of several teams.
  foreign_definition: user(
    409,
    'A definition of another namespace is not what is applied there.',
    'Import it as it is applied, or have its owner apply it first.',
  ),
  forbidden_import: user(
    422,
    'The definitions import what they may not.',
    'Import files of the project, installed packages, and what computes alone.',
  ),
  plan_stale: user(
    409,
    'What is applied, or the definitions, are not those that were planned.',
    'Plan again, look at it, and apply that.',
  ),
  still_read: user(
    409,
    'What definitions of other namespaces read cannot go, nor mean something else.',
    'Keep it until they have moved.',
  ),
  // The registry.
  registry_away: {
    domain: 'external',
    retryable: true,
    status: 503,
    meaning: 'The registry cannot be reached, or is locked.',
    remedy: 'Check it and its address; servers go on from what they know of it.',
  },
  registry_damaged: {
    domain: 'external',
    retryable: false,
    status: 500,
    meaning: 'The registry does not hold what was written to it.',
    remedy: 'Stop what uses it, check the device, and restore the registry from a copy.',
  },
  // Sources that evolve.
  ambiguous_column: user(
    422,
    'A row has one column under two of its names.',
    'Send it once, under the name of one schema version.',
  ),
  unknown_schema: user(
    422,
    'A push names a schema version that its source does not have.',
    'Name one of its versions, or none; see `asof status`.',
  ),
  // Privacy.
  // Who runs the server has to act, not who sent the request.
  token_key_missing: {
    domain: 'external',
    retryable: false,
    status: 503,
    meaning: 'Definitions tokenize columns, and the key for that is not there.',
    remedy: 'Set ASOF_TOKEN_KEY or `privacy.keyFile`, and run `asof privacy init` once.',
  },
  token_key_wrong: user(
    409,
    'The key is not the one that the tokens were made with.',
    'Give the key of this project; see `asof privacy status`.',
  ),
  token_key_invalid: user(
    422,
    'What should be a key is none, or others could read it.',
    'Give at least 32 random bytes as base64url, in a file of mode 0600 or in the environment.',
  ),
  // Forgetting.
  forgotten: user(
    409,
    'The row is of somebody who was forgotten, and may not come back.',
    'Stop its sender from repeating it; see docs/forgetting.md for who may come back.',
  ),
  dataset_forgotten: user(
    409,
    'Rows that a dataset was built from were forgotten: its bytes cannot be made again.',
    'Give --allow-forgotten for what is left of it, or build a new one.',
  ),
} as const satisfies Record<string, ErrorRow>;
