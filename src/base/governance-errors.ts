import { type ErrorRow, user } from './error-row.ts';

/** The rows of the table of errors that concern who may do what, and how definitions change. */
export const GOVERNANCE_ERRORS = {
  // Identity and access.
  unauthenticated: user(
    401,
    'The request brings no identity that is valid now.',
    'Send `authorization: Bearer <token>`; the command line takes it from ASOF_TOKEN.',
  ),
  forbidden: user(
    403,
    'This identity may not do that.',
    'Ask an admin of the namespace for the role or the label that is named.',
  ),
} as const satisfies Record<string, ErrorRow>;
