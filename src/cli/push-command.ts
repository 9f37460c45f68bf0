import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { AsofError } from '../base/errors.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { queryOf } from './letter-filter.ts';
import { count, EXIT, table } from './output.ts';

export interface PushOptions extends RemoteOptions {
  /** The schema version that all rows are of; without it, each of any. */
  readonly schema?: string;
}

/** Lines and text units sent in one request. */
const LINES_PER_PUSH = 5_000;
const UNITS_PER_PUSH = 8 * 1024 * 1024;
/** Rejections kept to be shown; all of them are in the dead letters. */
const REJECTIONS_KEPT = 100;
/** Rejections shown of each kind. */
const SHOWN_OF_A_CODE = 3;

interface Rejection {
  /** Among the rows of all requests, from 0. */
  readonly row: number;
  /** In the file, from 1; null if the file is one JSON array. */
  readonly line: number | null;
  readonly code: string;
  readonly column: string | null;
  readonly message: string;
  readonly remedy: string;
}

interface PushTotals {
  received: number;
  accepted: number;
  rejected: number;
  rejectedByCode: Record<string, number>;
  commit: number;
  rejections: Rejection[];
}

interface Body {
  readonly text: string;
  readonly isArray: boolean;
  /** Lines of the file before it. */
  readonly linesBefore: number;
}

/** `asof push`: sends a file in requests of some thousand lines. */
export async function pushCommand(
  context: Context<PushOptions>,
  source: string,
  file: string,
): Promise<number> {
  const { output } = context;
  const totals: PushTotals = {
    received: 0,
    accepted: 0,
    rejected: 0,
    rejectedByCode: {},
    commit: 0,
    rejections: [],
  };
  const bar = output.progress(`push ${source}`, sizeOf(file));
  let sent = 0;
  try {
    for await (const body of bodies(file)) {
      await pushBody(context, source, body, totals);
      sent += Buffer.byteLength(body.text);
      bar.update(sent, `${count(totals.accepted)} accepted, ${count(totals.rejected)} rejected`);
    }
  } catch (error) {
    throw totals.received > 0 ? interrupted(error, totals) : error;
  } finally {
    bar.stop();
  }
  output.finish(totals, () => {
    output.say(`${count(totals.accepted)} of ${count(totals.received)} events accepted`);
    for (const line of rejectionLines(totals)) output.say(line);
  });
  return totals.rejected > (totals.rejectedByCode.duplicate ?? 0) ? EXIT.failed : EXIT.ok;
}

function sizeOf(file: string): number {
  if (file === '-') {
    if (process.stdin.isTTY) process.stderr.write('reading events from here; Ctrl-D ends them\n');
    return 0;
  }
  if (!existsSync(file)) {
    throw new AsofError('file_not_found', `There is no file ${file}.`, { path: file });
  }
  const stats = statSync(file);
  if (!stats.isDirectory()) return stats.size;
  throw new AsofError('unreadable_file', `${file} is a folder.`, {
    path: file,
    remedy: 'Name a file of events, NDJSON or JSON.',
  });
}

/** What came before is durable; saying so tells whether and how to go on. */
function interrupted(error: unknown, totals: PushTotals): unknown {
  if (!(error instanceof AsofError)) return error;
  const message = `${error.message} Before that, ${count(totals.accepted)} events were accepted.`;
  return new AsofError(error.code, message, {
    ...(error.path === null ? {} : { path: error.path }),
    remedy: `${error.remedy} Push the file again: events with an id count once.`,
    issues: error.issues,
    cause: error,
  });
}

/** Kinds of rejections with their first examples: one cause in each line repeats no story. */
function rejectionLines(totals: PushTotals): string[] {
  const lines: string[] = [];
  for (const [code, rejected] of Object.entries(totals.rejectedByCode)) {
    lines.push(`${pc.yellow('•')} ${count(rejected)} rejected: ${pc.bold(code)}`);
    const kept = totals.rejections.filter((one) => one.code === code);
    const rows = kept
      .slice(0, SHOWN_OF_A_CODE)
      .map((one) => [
        one.line === null ? `    row ${one.row}` : `    line ${one.line}`,
        one.column === null ? one.message : `${one.column}: ${one.message}`,
      ]);
    lines.push(...table(rows));
    if (rejected > rows.length && rows.length > 0) lines.push(pc.dim('    …'));
    for (const remedy of new Set(kept.map((one) => one.remedy))) {
      lines.push(`  ${pc.green('→')} ${remedy}`);
    }
  }
  if (totals.rejected > 0) lines.push(pc.dim('They are kept: asof deadletters <source>'));
  return lines;
}

/** Groups of lines. A file that holds one JSON array is one body. */
async function* bodies(file: string): AsyncGenerator<Body> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  const lines: Interface = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let body: string[] = [];
  let units = 0;
  let linesBefore = 0;
  let isArray: boolean | null = null;
  const take = (): Body => {
    const taken = { text: body.join('\n'), isArray: isArray === true, linesBefore };
    linesBefore += body.length;
    body = [];
    units = 0;
    return taken;
  };
  for await (const line of lines) {
    isArray ??= line.trim() === '' ? null : line.trimStart().startsWith('[');
    body.push(line);
    units += line.length;
    const isFull = body.length >= LINES_PER_PUSH || units >= UNITS_PER_PUSH;
    if (isArray !== true && isFull) yield take();
  }
  if (body.some((line) => line.trim() !== '')) yield take();
}

async function pushBody(
  context: Context<PushOptions>,
  source: string,
  { text, isArray, linesBefore }: Body,
  totals: PushTotals,
): Promise<void> {
  const { schema } = context.options;
  const query = queryOf(schema === undefined ? {} : { schema });
  const path = `/v1/events/${encodeURIComponent(source)}${query}`;
  const answer = (await callServer(context, 'POST', path, {
    body: text,
    type: isArray ? 'application/json' : 'application/x-ndjson',
    // Rows that are refused are told row by row; the answer is no failure of the call.
    expected: [200, 207, 422],
  })) as unknown as PushTotals;
  for (const { row, line, code, column, message, remedy } of answer.rejections) {
    totals.rejectedByCode[code] = (totals.rejectedByCode[code] ?? 0) + 1;
    if (totals.rejections.length >= REJECTIONS_KEPT) continue;
    const lineInFile = typeof line === 'number' ? linesBefore + line : null;
    const rowInFile = totals.received + row;
    totals.rejections.push({ row: rowInFile, line: lineInFile, code, column, message, remedy });
  }
  totals.received += answer.received;
  totals.accepted += answer.accepted;
  totals.rejected += answer.rejected;
  totals.commit = Math.max(totals.commit, answer.commit);
}
