import { formatBytes } from '../base/byte-size.ts';
import { AsofError } from '../base/errors.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { count, EXIT, type Output, table, wholeNumber } from './output.ts';

export interface CostOptions extends RemoteOptions {
  readonly days?: string;
  readonly features?: boolean;
  readonly unread?: boolean;
}

interface Line {
  readonly view: string;
  readonly version: number;
  readonly memory: number;
  readonly disk: number;
  readonly store: number;
  readonly offline: number;
  readonly reads: number;
  readonly lastRead: string | null;
  readonly perMonth: number | null;
  readonly perThousandReads: number | null;
}

interface FeatureLine extends Line {
  readonly feature: string;
  readonly usedBy: readonly string[];
  readonly unread: boolean;
}

interface ViewLine extends Line {
  readonly online: 'read' | { readonly top: number } | null;
  readonly features: number;
  readonly unreadFeatures: number;
}

/** What the command shows of `GET /v1/cost`. */
interface Cost {
  readonly days: number;
  readonly countedSince: string | null;
  readonly storeProblem: string | null;
  readonly currency: string | null;
  readonly views: readonly ViewLine[];
  readonly features: readonly FeatureLine[];
  readonly saved: Pick<Line, 'memory' | 'disk' | 'store' | 'offline' | 'perMonth'> | null;
}

export async function costCommand(context: Context<CostOptions>): Promise<number> {
  const { days = '30', features = false, unread = false } = context.options;
  const asked = wholeNumber('days', days);
  if (asked < 1) throw new AsofError('usage', '--days takes at least 1.');
  const cost = await callServer(context, 'GET', `/v1/cost?days=${asked}`);
  context.output.finish(cost, () =>
    sayCost(context.output, cost as unknown as Cost, { features, unread }),
  );
  return EXIT.ok;
}

function sayCost(output: Output, cost: Cost, shown: { features: boolean; unread: boolean }): void {
  const since = cost.countedSince ?? 'today';
  output.say(pc.bold(`The last ${cost.days} days; reads are counted since ${since} (UTC)`));
  if (cost.storeProblem !== null) {
    output.say(pc.yellow(`Without what lies in the online store: ${cost.storeProblem}`));
  }
  const head = ['memory', 'disk', 'store', 'offline', 'reads', 'last read', ...money(cost)];
  if (shown.features) {
    const lines = cost.features.map((one) => [titleOf(one), ...cells(one, cost)]);
    say(output, [['feature', ...head], ...lines]);
  } else if (!shown.unread) {
    const lines = cost.views.map((one) => [
      `${one.view}@${one.version}`,
      `${one.features - one.unreadFeatures} of ${one.features}`,
      ...cells(one, cost),
    ]);
    say(output, [['view', 'features read', ...head], ...lines]);
  }
  for (const { view, version, online } of cost.views) {
    if (online === null) continue;
    const keys = online === 'read' ? 'the keys that are read' : `the ${online.top} keys read most`;
    output.say(pc.dim(`  of ${view}@${version} the online store holds ${keys}`));
  }
  sayUnread(output, cost);
}

function sayUnread(output: Output, cost: Cost): void {
  const unread = cost.features.filter((one) => one.unread);
  if (unread.length === 0) {
    output.say('Every feature is read, or something that is read is computed from it.');
    return;
  }
  output.say(pc.bold(`Read by nobody in these days: ${count(unread.length)} features`));
  const lines = unread.map((one) => [
    titleOf(one),
    one.usedBy.length === 0 ? 'named by nobody' : `named by ${one.usedBy.join(', ')}`,
  ]);
  say(output, lines);
  const { saved } = cost;
  if (saved === null) return;
  const parts = PLACES.filter((place) => saved[place] > 0).map(
    (place) => `${formatBytes(Math.round(saved[place]))} ${WHERE[place]}`,
  );
  const price = saved.perMonth === null ? '' : `, ${amount(saved.perMonth, cost)} a month`;
  output.say(`Without them at least ${parts.join(', ') || 'nothing'} would be saved${price}.`);
}

const PLACES = ['memory', 'disk', 'store', 'offline'] as const;
const WHERE = {
  memory: 'of memory',
  disk: 'on disk',
  store: 'in the online store',
  offline: 'of tile files',
} as const;

function titleOf({ view, version, feature }: FeatureLine): string {
  return `${view}@${version}.${feature}`;
}

function money({ currency }: Cost): string[] {
  return currency === null ? [] : [`${currency} a month`, 'per 1000 reads'];
}

function cells(line: Line, cost: Cost): string[] {
  const bytes = PLACES.map((place) => formatBytes(Math.round(line[place])));
  const prices =
    cost.currency === null
      ? []
      : [line.perMonth, line.perThousandReads].map((one) => (one === null ? '' : figure(one)));
  return [...bytes, count(line.reads), line.lastRead ?? 'never', ...prices];
}

function amount(value: number, { currency }: Cost): string {
  return `${figure(value)} ${currency}`;
}

function figure(value: number): string {
  return value >= 1 || value === 0 ? value.toFixed(2) : value.toPrecision(2);
}

function say(output: Output, rows: readonly (readonly string[])[]): void {
  for (const line of table(rows)) output.say(`  ${line}`);
}
