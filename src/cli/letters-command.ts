import { AsofError } from '../base/errors.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { count, EXIT, table, wholeNumber } from './output.ts';

export interface LetterOptions extends RemoteOptions {
  readonly count: string;
  readonly readmit?: boolean;
  readonly code?: string;
}

/** Characters of a rejected row that are shown. */
const SHOWN_OF_A_ROW = 120;
/** Rows that are rejected again and shown. */
const SHOWN_AGAIN = 10;

interface Listed {
  readonly source: string;
  readonly count: number;
  readonly letters: readonly {
    readonly id: string;
    readonly code: string;
    readonly column: string | null;
    readonly message: string;
    readonly raw: string;
    readonly readmitted: boolean;
  }[];
}

interface Readmitted {
  readonly tried: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejections: readonly { readonly id: string; code: string; message: string }[];
}

/** `asof deadletters`: what a source rejected, and the way back in. */
export async function lettersCommand(
  context: Context<LetterOptions>,
  source: string,
): Promise<number> {
  const path = `/v1/dead-letters/${encodeURIComponent(source)}`;
  const { readmit, code } = context.options;
  if (readmit === true) return readmitLetters(context, path);
  if (code !== undefined) {
    throw new AsofError('usage', '--code chooses what to re-admit.', {
      remedy: 'Add --readmit, or leave --code out.',
    });
  }
  const limit = wholeNumber('count', context.options.count);
  const answer = await callServer(context, 'GET', `${path}?limit=${limit}`);
  const [listed] = answer.sources as readonly [Listed];
  context.output.finish({ ...listed }, () => sayLetters(context, listed));
  return EXIT.ok;
}

function sayLetters({ output }: Context, { source, count: kept, letters }: Listed): void {
  output.say(`${count(kept)} dead letters of ${source}; the newest ${count(letters.length)}:`);
  for (const { id, code, column, message, raw, readmitted } of letters) {
    const later = readmitted ? pc.dim(' (re-admitted since)') : '';
    output.say(`${pc.yellow('•')} ${id} ${pc.bold(code)}${later}`);
    output.say(`    ${column === null ? message : `${column}: ${message}`}`);
    const text = raw.replaceAll(/\s+/g, ' ');
    output.say(
      pc.dim(`    ${text.slice(0, SHOWN_OF_A_ROW)}${text.length > SHOWN_OF_A_ROW ? '…' : ''}`),
    );
  }
}

async function readmitLetters(context: Context<LetterOptions>, path: string): Promise<number> {
  const { output, options } = context;
  const body = JSON.stringify(options.code === undefined ? {} : { code: options.code });
  const answer = await callServer(context, 'POST', `${path}/readmit`, { body });
  const { tried, accepted, rejected, rejections } = answer as unknown as Readmitted;
  output.finish(answer, () => {
    output.say(`${count(accepted)} of ${count(tried)} dead letters accepted`);
    const rows = rejections.slice(0, SHOWN_AGAIN);
    for (const line of table(rows.map(({ id, code, message }) => [`  ${id}`, code, message]))) {
      output.say(line);
    }
    if (rejected > rows.length) output.say(pc.dim(`  and ${count(rejected - rows.length)} more`));
  });
  return rejected > 0 ? EXIT.failed : EXIT.ok;
}
