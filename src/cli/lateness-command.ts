import { durationMs, formatDuration } from '../base/duration.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { queryOf } from './letter-filter.ts';
import { sourcesOf } from './letters-command.ts';
import { count, EXIT, type Output, span, table } from './output.ts';

export interface LatenessOptions extends RemoteOptions {
  readonly at?: string;
}

interface Report {
  readonly source: string;
  readonly allowedLatenessMs: number;
  readonly maxClockSkewMs: number;
  readonly watermarkMs: number | null;
  readonly partitions: readonly { readonly idle: boolean }[];
  readonly lateness: {
    readonly events: number;
    readonly p50Ms: number | null;
    readonly p90Ms: number | null;
    readonly p99Ms: number | null;
    readonly p999Ms: number | null;
    readonly maxMs: number;
  };
  readonly skew: {
    readonly events: number;
    readonly ahead: number;
    readonly p99Ms: number | null;
    readonly maxMs: number;
  };
  readonly losses: readonly Loss[];
}

interface Loss {
  readonly allowedMs: number;
  readonly atLeast: number;
  readonly atMost: number;
}

const BAR_WIDTH = 30;
const CHANGING = [
  'It is part of what views mean: another one asks for their next versions.',
  'What was rejected is judged anew when re-admitted, as of that moment unless the source',
  'declares an arrivalTime: the new bound must cover its age by then.',
];

/** `asof lateness`: what to choose an allowed lateness by. */
export async function latenessCommand(
  context: Context<LatenessOptions>,
  source: string | null,
): Promise<number> {
  const { output, options } = context;
  const alsoMs = options.at === undefined ? [] : options.at.split(',').map(durationMs);
  const query = queryOf(alsoMs.length === 0 ? {} : { atMs: alsoMs.join(',') });
  const reports: Report[] = [];
  for (const name of source === null ? await sourcesOf(context) : [source]) {
    const path = `/v1/sources/${encodeURIComponent(name)}/lateness${query}`;
    reports.push((await callServer(context, 'GET', path)) as unknown as Report);
  }
  output.finish(source === null ? { sources: reports } : { ...reports[0] }, () => {
    for (const report of reports) sayReport(output, report, alsoMs);
  });
  return EXIT.ok;
}

function sayReport(output: Output, report: Report, alsoMs: readonly number[]): void {
  const { lateness, skew, allowedLatenessMs, watermarkMs, partitions } = report;
  output.say(`${pc.bold(report.source)}: ${count(lateness.events)} events`);
  if (lateness.events === 0) return;
  const quantiles = [
    ['half', lateness.p50Ms],
    ['90 %', lateness.p90Ms],
    ['99 %', lateness.p99Ms],
    ['99.9 %', lateness.p999Ms],
    ['all', lateness.maxMs],
  ] as const;
  const within = quantiles.map(([share, ms]) => `${share} ${span(ms ?? 0)}`);
  output.say(`  come within: ${within.join(', ')}`);
  const shown = report.losses.filter(
    ({ allowedMs, atMost }) =>
      atMost > 0 || alsoMs.includes(allowedMs) || allowedMs >= lateness.maxMs,
  );
  const last = shown.findIndex(
    ({ allowedMs, atMost }) => atMost === 0 && !alsoMs.includes(allowedMs),
  );
  const rows = shown
    .filter(({ allowedMs }, i) => last < 0 || i <= last || alsoMs.includes(allowedMs))
    .map((loss) => lossRow(loss, lateness.events));
  output.say('  an allowed lateness of … would lose …');
  for (const line of table(rows)) output.say(`  ${line}`);
  output.say(`  declared: allowedLateness ${formatDuration(allowedLatenessMs)}`);
  for (const line of CHANGING) output.say(pc.dim(`    ${line}`));
  if (skew.ahead > 0) {
    output.say(
      `  ${count(skew.ahead)} of ${count(skew.events)} events lie ahead of their arrival, ` +
        `99 % of them by at most ${span(skew.p99Ms ?? 0)}, one by ${span(skew.maxMs)}`,
    );
  }
  if (watermarkMs !== null) {
    const idle = partitions.filter((one) => one.idle).length;
    const but = idle > 0 ? `; ${idle} of ${partitions.length} partitions idle` : '';
    output.say(`  watermark ${new Date(watermarkMs).toISOString()}${but}`);
  }
}

/** The bar has a step for each tenfold: losses worth a look are small. */
function lossRow({ allowedMs, atLeast, atMost }: Loss, events: number): string[] {
  const share = atMost / events;
  const width = share === 0 ? 0 : Math.max(1, Math.round(BAR_WIDTH * (1 + Math.log10(share) / 6)));
  const exact = atLeast === atMost ? count(atMost) : `${count(atLeast)} to ${count(atMost)}`;
  return [formatDuration(allowedMs).padStart(5), percent(share), exact, '█'.repeat(width)];
}

function percent(share: number): string {
  const value = share * 100;
  const digits = value === 0 || value >= 10 ? 1 : Math.min(6, 1 - Math.floor(Math.log10(value)));
  return `${value.toFixed(digits)} %`;
}
