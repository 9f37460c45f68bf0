import { AsofError } from '../../base/errors.ts';

const OF_NAMES = ['unknown_name', 'unknown_source', 'unknown_service', 'unknown_model'];
const HINT = / (?:Did you mean '[^']*'\?|Known: '[^']*'(?:, '[^']*')*(?:, and \d+ more)?\.)/g;

/**
 * An error without suggestions: they are made from all names that there are, and even that there is
 * none tells whoever may not know of them something.
 */
export function withoutHints(error: unknown): unknown {
  if (!(error instanceof AsofError) || !OF_NAMES.includes(error.code)) return error;
  return new AsofError(error.code, error.message.replaceAll(HINT, ''), {
    ...(error.path === null ? {} : { path: error.path }),
    remedy: error.remedy.replaceAll(HINT, ''),
    issues: error.issues.map((one) => ({ ...one, message: one.message.replaceAll(HINT, '') })),
  });
}
