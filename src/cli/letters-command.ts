import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { type FilterOptions, filterOf, queryOf } from './letter-filter.ts';
import { count, EXIT, table, wholeNumber } from './output.ts';

export interface ListOptions extends FilterOptions {
  readonly count: string;
}

export type ReadmitOptions = FilterOptions;

/** Characters of a rejected row that are shown. */
const SHOWN_OF_A_ROW = 120;
/** Rows that are rejected again and shown. */
const SHOWN_AGAIN = 10;
/** Letters that are judged again in one request. */
const PER_REQUEST = 20_000;

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
    readonly correctable: boolean;
    readonly origin?: { readonly connector: string; readonly place: string };
  }[];
}

interface Counted {
  readonly source: string;
  readonly counts: readonly {
    readonly code: string;
    readonly count: number;
    readonly readmitted: number;
  }[];
}

interface Readmitted {
  readonly tried: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly commit: number;
  readonly rejections: readonly { readonly id: string; code: string; message: string }[];
}

const pathOf = (source: string): string => `/v1/dead-letters/${encodeURIComponent(source)}`;

/** `asof deadletters list`: what a source rejected. */
export async function listCommand(context: Context<ListOptions>, source: string): Promise<number> {
  const limit = wholeNumber('count', context.options.count);
  const query = queryOf({ ...filterOf(context.options), limit });
  const answer = await callServer(context, 'GET', `${pathOf(source)}${query}`);
  const [listed] = answer.sources as readonly [Listed];
  context.output.finish({ ...listed }, () => sayLetters(context, listed));
  return EXIT.ok;
}

function sayLetters({ output }: Context, { source, count: kept, letters }: Listed): void {
  output.say(`${count(kept)} dead letters of ${source}; the newest ${count(letters.length)}:`);
  for (const letter of letters) {
    const { id, code, column, message, raw, readmitted, correctable, origin } = letter;
    const later = readmitted ? pc.dim(' (re-admitted since)') : '';
    output.say(`${pc.yellow('•')} ${id} ${pc.bold(code)}${later}`);
    output.say(`    ${column === null ? message : `${column}: ${message}`}`);
    if (origin !== undefined) output.say(`    at ${origin.place}, read by ${origin.connector}`);
    if (!correctable)
      output.say('    only its source can correct it: mend it there and add it anew');
    const text = raw.replaceAll(/\s+/g, ' ');
    output.say(
      pc.dim(`    ${text.slice(0, SHOWN_OF_A_ROW)}${text.length > SHOWN_OF_A_ROW ? '…' : ''}`),
    );
  }
}

/** `asof deadletters count`: by source and reason. */
export async function countCommand(
  context: Context<RemoteOptions>,
  source: string | null,
): Promise<number> {
  const counted: Counted[] = [];
  for (const name of source === null ? await sourcesOf(context) : [source]) {
    counted.push(
      (await callServer(context, 'GET', `${pathOf(name)}/counts`)) as unknown as Counted,
    );
  }
  const total = counted
    .flatMap(({ counts }) => counts)
    .reduce((sum, { count: letters }) => sum + letters, 0);
  context.output.finish({ count: total, sources: counted }, () => {
    const rows = counted.flatMap((one) =>
      one.counts.map(({ code, count: letters, readmitted }) => [
        one.source,
        code,
        count(letters),
        readmitted > 0 ? `${count(readmitted)} re-admitted` : '',
      ]),
    );
    if (rows.length === 0) context.output.say('no dead letters');
    for (const line of table(rows)) context.output.say(line);
  });
  return EXIT.ok;
}

export async function sourcesOf(context: Context<RemoteOptions>): Promise<string[]> {
  const { sources } = await callServer(context, 'GET', '/v1/status');
  return (sources as readonly { readonly name: string }[]).map(({ name }) => name);
}

/** `asof deadletters readmit`: the way back in. */
export async function readmitCommand(
  context: Context<ReadmitOptions>,
  source: string,
): Promise<number> {
  const { output, options } = context;
  const filter = filterOf(options);
  const body = JSON.stringify({ ...filter, limit: PER_REQUEST });
  const answer = await callServer(context, 'POST', `${pathOf(source)}/readmit`, { body });
  const result = answer as unknown as Readmitted;
  output.finish(answer, () => {
    const { tried, accepted, rejected, rejections } = result;
    output.say(`${count(accepted)} of ${count(tried)} dead letters accepted`);
    const rows = rejections.slice(0, SHOWN_AGAIN);
    for (const line of table(rows.map(({ id, code, message }) => [`  ${id}`, code, message]))) {
      output.say(line);
    }
    if (rejected > rows.length) output.say(pc.dim(`  and ${count(rejected - rows.length)} more`));
    if (tried === PER_REQUEST) output.say(pc.dim('  there may be more: run the command again'));
  });
  return result.rejected > 0 ? EXIT.failed : EXIT.ok;
}
