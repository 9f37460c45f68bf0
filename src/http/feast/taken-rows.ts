import { AsofError, ERRORS, type ErrorCode, issue } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { PushOutcome, RejectedRow } from '../dependencies.ts';
import type { WriteTarget } from './feast-port.ts';

/**
 * Passes where every row is in the log. Rows that were there before count as taken, so that a write
 * may be repeated. Feast's clients repeat it by themselves where the error says that this may help:
 * it does so only where no row can count twice.
 * @throws AsofError `rows_rejected`, or why no more rows can be taken now
 */
export function requireTaken(
  { rows, received, accepted }: PushOutcome,
  { hasId }: WriteTarget,
): void {
  const rejected = rows.filter(({ code }) => code !== 'duplicate');
  const [first] = rejected;
  if (first === undefined) return;
  const later = rejected.map(codeOf).find((code) => ERRORS[code].retryable);
  const counts = `${rejected.length} of ${received} rows were rejected, ${accepted} were taken.`;
  const message = `${counts} Row ${first.row}: ${first.message} (${first.code})`;
  const issues = rejected.slice(0, LIMITS.issuesPerAnswer).map((one) => {
    const path = `df[${one.row}]${one.column === null ? '' : `.${one.column}`}`;
    return issue(codeOf(one), path, one.message, one.remedy);
  });
  const mayRepeat = later !== undefined && (hasId || accepted === 0);
  throw new AsofError(mayRepeat ? later : 'rows_rejected', message, { path: 'df', issues });
}

function codeOf({ code }: RejectedRow): ErrorCode {
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'internal';
}
