import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { sourcesOf } from './letters-command.ts';
import { count, EXIT, type Output } from './output.ts';

interface Report {
  readonly source: string;
  readonly schemaVersion: number;
  readonly columns: readonly Column[];
  readonly others: number;
}

interface Column {
  readonly kind: string;
  readonly column: string;
  readonly rows: number;
  readonly firstSeenMs: number | null;
  readonly lastSeenMs: number | null;
  readonly sentType: string | null;
  readonly declaredType: string | null;
  readonly guess: { readonly kind: string; readonly from: string | null } | null;
  readonly declaration: string;
}

/** `asof drift`: how producers' rows differ from what is declared, and what to declare. */
export async function driftCommand(
  context: Context<RemoteOptions>,
  source: string | null,
): Promise<number> {
  const { output } = context;
  const reports: Report[] = [];
  for (const name of source === null ? await sourcesOf(context) : [source]) {
    const path = `/v1/sources/${encodeURIComponent(name)}/drift`;
    reports.push((await callServer(context, 'GET', path)) as unknown as Report);
  }
  output.finish(source === null ? { sources: reports } : { ...reports[0] }, () => {
    for (const report of reports) sayReport(output, report);
  });
  return EXIT.ok;
}

function sayReport(output: Output, { source, schemaVersion, columns, others }: Report): void {
  const found = columns.length === 0 ? 'as declared' : `${count(columns.length)} columns differ`;
  output.say(`${pc.bold(source)}: schema ${schemaVersion}, ${found}`);
  for (const one of columns) {
    output.say(`  ${one.column}: ${told(one)}`);
    output.say(pc.dim(`    declare ${one.declaration}`));
  }
  if (others > 0) output.say(`  ${count(others)} more refusals, of columns beyond those`);
}

function told({ kind, rows, guess, sentType, declaredType, lastSeenMs }: Column): string {
  const last = lastSeenMs === null ? 'never seen' : `last ${new Date(lastSeenMs).toISOString()}`;
  const seen = `${count(rows)} rows, ${last}`;
  if (kind === 'missing') return `missing in ${seen}`;
  if (kind === 'retyped')
    return `sent as ${sentType ?? 'another type'}, is ${declaredType} (${seen})`;
  const type = sentType === null ? '' : `, ${sentType}`;
  const what = guess?.kind === 'renamed' ? `'${guess.from}', renamed?` : 'a new column?';
  return `unknown${type}: ${what} (${seen})`;
}
