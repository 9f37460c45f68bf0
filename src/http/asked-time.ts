import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';

/** The header that says how long an answer may take, for those who cannot change a body. */
export const TIMEOUT_HEADER = 'asof-timeout-ms';

/**
 * How long an answer may take, by the body's field and by the header: the shorter of both.
 * Undefined where neither says it.
 * @throws AsofError `bad_request`
 */
export function askedTimeoutMs(
  field: unknown,
  header: string | readonly string[] | undefined,
): number | undefined {
  const ofField = field === undefined ? undefined : bounded(field, 'timeoutMs');
  if (header === undefined) return ofField;
  const isNumber = typeof header === 'string' && /^\d{1,9}$/.test(header);
  const ofHeader = bounded(isNumber ? Number(header) : header, TIMEOUT_HEADER);
  return Math.min(ofField ?? ofHeader, ofHeader);
}

function bounded(value: unknown, path: string): number {
  const most = LIMITS.requestTimeoutMaxMs;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return Number(value);
  throw new AsofError('bad_request', `'${path}' must be whole milliseconds from 1 to ${most}.`, {
    path,
    remedy: 'Leave it out for the time that the service declares.',
  });
}
