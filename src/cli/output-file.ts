import { dirname } from 'node:path';
import { AsofError } from '../base/errors.ts';

/** Why a file that a command writes could not be; errors of anything else stay what they are. */
export function outputError(cause: unknown, out: string): unknown {
  if (cause instanceof AsofError || !(cause instanceof Error) || !('syscall' in cause)) {
    return cause;
  }
  const code = 'code' in cause ? String(cause.code) : '';
  const fail = (what: string, remedy: string): AsofError =>
    new AsofError('usage', what, { path: '--out', remedy, cause });
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new AsofError('file_not_found', `There is no folder ${dirname(out)} to write to.`, {
        path: '--out',
        remedy: `Make it, mkdir -p ${dirname(out)}, or name another --out.`,
        cause,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return fail(`${out} may not be written.`, 'Name an --out in a folder that you may write to.');
    case 'EISDIR':
      return fail(`${out} is a folder.`, 'Name a file in it.');
    case 'ENAMETOOLONG':
      return fail(`The name ${out} is too long.`, 'Name another --out.');
    case 'ENOSPC':
    case 'EDQUOT':
      return new AsofError('disk_full', `There is no room for ${out}.`, { path: '--out', cause });
    default: {
      const what = `${out} cannot be written: the system says ${code}.`;
      return new AsofError('disk_failed', what, { path: '--out', cause });
    }
  }
}
