import { ERRORS } from '../src/base/errors.ts';

/** The text of docs/ERRORS.md, made from the one table of errors. */
export function errorsPage(): string {
  const lines = [
    '# Errors',
    '',
    'Made by `npm run errors` from the table in `src/base/errors.ts`; do not edit by hand.',
    '',
    'Every error carries a code, a message that names the offender, where it is, and a remedy.',
    '`domain` says who has to act: you (`user`), something outside (`external`), or we (`internal`).',
    '',
    '| code | domain | HTTP | retry | what happened | what to do |',
    '| - | - | - | - | - | - |',
  ];
  for (const [code, row] of Object.entries(ERRORS)) {
    const retry = row.retryable ? 'yes' : 'no';
    lines.push(
      `| <a id="${code}"></a>\`${code}\` | ${row.domain} | ${row.status} | ${retry} | ${row.meaning} | ${row.remedy} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}
