import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import pc from 'picocolors';
import { AsofError } from '../base/errors.ts';
import { callServer } from './call-server.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT, stringifyExact, table } from './output.ts';

/** Lines sent in one request. */
const LINES_PER_PUSH = 5_000;
/** Rejections kept to be shown; all of them are in the dead letters. */
const REJECTIONS_KEPT = 100;

export interface RemoteOptions extends CommonOptions {
  readonly url?: string;
}

interface Rejection {
  readonly row: number;
  readonly code: string;
  readonly column: string | null;
  readonly message: string;
  readonly remedy: string;
}

interface PushTotals {
  received: number;
  accepted: number;
  rejected: number;
  commit: number;
  rejections: Rejection[];
}

export async function pushCommand(
  context: Context<RemoteOptions>,
  source: string,
  file: string,
): Promise<number> {
  const { output } = context;
  if (file !== '-' && !existsSync(file)) {
    throw new AsofError('file_not_found', `There is no file ${file}.`, { path: file });
  }
  const totals: PushTotals = { received: 0, accepted: 0, rejected: 0, commit: 0, rejections: [] };
  const bytes = file === '-' ? 0 : statSync(file).size;
  const bar = output.progress(`push ${source}`, bytes);
  let sent = 0;
  try {
    for await (const body of bodies(file)) {
      await pushBody(context, source, body, totals);
      sent += Buffer.byteLength(body);
      bar.update(sent, `${count(totals.accepted)} accepted, ${count(totals.rejected)} rejected`);
    }
  } finally {
    bar.stop();
  }
  output.finish(totals, () => {
    output.say(`${count(totals.accepted)} of ${count(totals.received)} events accepted`);
    for (const one of totals.rejections.slice(0, 10)) {
      output.say(
        `${pc.yellow('•')} line ${one.row + 1}: ${one.message} ${pc.dim(`[${one.code}]`)}`,
      );
      output.say(`  ${pc.green('→')} ${one.remedy}`);
    }
    if (totals.rejected > 10) output.say(pc.dim(`  … ${count(totals.rejected)} in all`));
  });
  return totals.rejected > 0 ? EXIT.failed : EXIT.ok;
}

/** Groups of lines. A file that holds one JSON array is one body. */
async function* bodies(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  const lines: Interface = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let body: string[] = [];
  let isArray: boolean | null = null;
  for await (const line of lines) {
    isArray ??= line.trim() === '' ? null : line.trimStart().startsWith('[');
    body.push(line);
    if (isArray !== true && body.length >= LINES_PER_PUSH) {
      yield body.join('\n');
      body = [];
    }
  }
  if (body.some((line) => line.trim() !== '')) yield body.join('\n');
}

async function pushBody(
  context: Context<RemoteOptions>,
  source: string,
  body: string,
  totals: PushTotals,
): Promise<void> {
  const isArray = body.trimStart().startsWith('[');
  const answer = (await callServer(context, 'POST', `/v1/events/${encodeURIComponent(source)}`, {
    body,
    type: isArray ? 'application/json' : 'application/x-ndjson',
    // Rows that are refused are told row by row; the answer is no failure of the call.
    expected: [200, 207, 422],
  })) as unknown as PushTotals;
  for (const rejection of answer.rejections ?? []) {
    if (totals.rejections.length >= REJECTIONS_KEPT) break;
    totals.rejections.push({ ...rejection, row: totals.received + rejection.row });
  }
  totals.received += answer.received;
  totals.accepted += answer.accepted;
  totals.rejected += answer.rejected;
  totals.commit = Math.max(totals.commit, answer.commit);
}

export async function getCommand(
  context: Context<RemoteOptions>,
  service: string,
  keys: readonly string[],
): Promise<number> {
  const described = await callServer(context, 'GET', `/v1/services/${encodeURIComponent(service)}`);
  const row = keyRow(keys, joinKeyTypes(described));
  const answer = await callServer(context, 'POST', '/v1/features', {
    body: stringifyExact({ service, rows: [row] }),
  });
  context.output.finish(answer, () => {
    const [first] = answer.rows as { values: object; statuses: Record<string, string> }[];
    const rows = Object.entries(first?.values ?? {}).map(([name, value]) => [
      `  ${name}`,
      stringifyExact(value),
      first?.statuses[name] === 'present' ? '' : pc.dim(first?.statuses[name] ?? ''),
    ]);
    for (const line of table(rows)) context.output.say(line);
    const { commit } = answer.position as { commit: number };
    const asOf = new Date(Number(answer.asOfMs)).toISOString();
    context.output.say(pc.dim(`  as of ${asOf}, position ${commit}`));
  });
  return EXIT.ok;
}

function joinKeyTypes(described: Record<string, unknown>): Map<string, string> {
  const joinKeys = Array.isArray(described.keys) ? described.keys : [];
  return new Map(
    joinKeys.map((key: { name: string; type: string }) => [String(key.name), String(key.type)]),
  );
}

/** `name=value` words to a row; numbers where the join key is one. */
function keyRow(words: readonly string[], types: ReadonlyMap<string, string>): object {
  const row: Record<string, unknown> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) {
      throw new AsofError('usage', `'${word}' is no key.`, {
        remedy: `Write ${[...types.keys()].map((name) => `${name}=…`).join(' ')}.`,
      });
    }
    const name = word.slice(0, at);
    const text = word.slice(at + 1);
    const type = types.get(name);
    if (type === 'bool') row[name] = text === 'true';
    else if (type === 'string' || type === undefined) row[name] = text;
    else row[name] = /^-?\d+$/.test(text) ? BigInt(text) : text;
  }
  return row;
}

export async function statusCommand(context: Context<RemoteOptions>): Promise<number> {
  const status = await callServer(context, 'GET', '/v1/status');
  const { output } = context;
  output.finish(status, () => {
    const sources = status.sources as Record<string, unknown>[];
    const views = status.views as Record<string, unknown>[];
    output.say(`${pc.bold(String(status.state))} at commit ${status.commit}`);
    output.say(`  ${count(Number(status.keys))} keys, ${count(Number(status.tiles))} tiles`);
    output.say(pc.bold('Sources'));
    const sourceRows = sources.map((source) => [
      `  ${source.name}`,
      `${count(Number(source.applied))} applied`,
      `${count(Number(source.rejected))} rejected`,
      stringifyExact(source.rejectedByCode),
    ]);
    for (const line of table(sourceRows)) output.say(line);
    output.say(pc.bold('Views'));
    const viewRows = views.map((view) => [
      `  ${view.name}@${view.version}`,
      view.stalenessMs === null ? 'no events' : `${view.stalenessMs} ms behind`,
      view.stale === true ? pc.red('stale') : pc.green('fresh'),
    ]);
    for (const line of table(viewRows)) output.say(line);
  });
  return EXIT.ok;
}
