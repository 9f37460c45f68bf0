import { listShadows, shadowReport, startShadow, stopShadow } from '../app/shadows.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { PPM_PER_PERCENT, sharePpm } from './option-values.ts';
import { count, EXIT, type Output, table } from './output.ts';
import { exactName } from './versioned-name.ts';

export interface ShadowStartOptions extends CommonOptions {
  readonly sample: string;
  readonly author: string;
}

export interface ShadowStopOptions extends CommonOptions {
  readonly author: string;
}

type Report = Awaited<ReturnType<typeof shadowReport>>;
type Feature = Report['features'][number];

/** Keys shown of each feature; --json has all that are kept. */
const SHOWN = 5;

export async function shadowStartCommand(
  { config, output, options }: Context<ShadowStartOptions>,
  text: string,
): Promise<number> {
  const { name, number } = exactName(text);
  const samplePpm = sharePpm('sample', options.sample, true);
  const { author } = options;
  const shadow = await startShadow(config, { service: name, version: number, samplePpm, author });
  output.finish(shadow, () => {
    output.say(
      `${pc.green('✓')} ${text} is read beside what answers, for ${options.sample} of the rows`,
    );
    output.say(pc.dim(`  what differs: asof shadow report ${name}`));
  });
  return EXIT.ok;
}

export async function shadowStopCommand(
  { config, output, options }: Context<ShadowStopOptions>,
  service: string,
): Promise<number> {
  const stopped = await stopShadow(config, service, options.author);
  output.finish(stopped, () => {
    output.say(`${pc.green('✓')} ${service}@${stopped.shadow} is not read any more`);
  });
  return EXIT.ok;
}

export async function shadowListCommand({ config, output }: Context): Promise<number> {
  const shadows = await listShadows(config);
  output.finish({ shadows }, () => {
    if (shadows.length === 0) output.say('No version is read in the shadow of another.');
    const rows = shadows.map(({ service, shadow, samplePpm, startedMs, author, report }) => [
      `${service}@${shadow}`,
      `${samplePpm / PPM_PER_PERCENT} % of the rows`,
      `since ${new Date(startedMs).toISOString()}`,
      author,
      report === null ? 'nothing yet' : `${count(report.rows)} rows, ${differingText(report)}`,
    ]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
}

function differingText({ rows, rowsDiffering }: Report): string {
  return rowsDiffering === 0 ? 'none differs' : `${percent(rowsDiffering, rows)} differ`;
}

export async function shadowReportCommand(
  { config, output }: Context,
  service: string,
): Promise<number> {
  const report = await shadowReport(config, service);
  output.finish(report, () => {
    const { live, shadow, rows } = report;
    const versions = `${service}@${shadow} beside ${service}@${live}`;
    output.say(pc.bold(`${versions}: ${count(rows)} rows, ${differingText(report)}`));
    sayRest(output, report);
    for (const feature of report.features) sayFeature(output, feature);
  });
  return report.rowsDiffering > 0 ? EXIT.changes : EXIT.ok;
}

function sayRest(output: Output, report: Report): void {
  const { dropped, unanswerable, problem, onlyInLive, onlyInShadow } = report;
  if (dropped > 0) output.say(pc.yellow(`  ${count(dropped)} rows passed over: too many waited`));
  if (unanswerable > 0) {
    output.say(pc.yellow(`  ${count(unanswerable)} rows cannot be answered: ${problem ?? ''}`));
  }
  if (onlyInLive.length > 0) output.say(`  only in the live version: ${onlyInLive.join(', ')}`);
  if (onlyInShadow.length > 0) output.say(`  only in the shadow: ${onlyInShadow.join(', ')}`);
}

function sayFeature(output: Output, feature: Feature): void {
  const { name, type, compared, differing, statusOnly } = feature;
  const mark = differing === 0 ? pc.green('=') : pc.yellow('≠');
  const share = differing === 0 ? 'equal' : `${percent(differing, compared)} differ`;
  output.say(`${mark} ${name} ${pc.dim(type)}  ${share}${sizesText(feature)}`);
  if (statusOnly > 0) output.say(`    ${count(statusOnly)} equal values have other statuses`);
  const rows = feature.examples.slice(0, SHOWN).map(({ key, live, shadow, difference }) => [
    `    ${Object.entries(key)
      .map(([column, value]) => `${column}=${value}`)
      .join(' ')}`,
    `${short(live)} → ${short(shadow)}`,
    difference === null ? '' : signed(difference),
  ]);
  for (const line of table(rows)) output.say(line);
}

function sizesText({ nullInLive, nullInShadow, meanDifference, maxDifference }: Feature): string {
  const parts: string[] = [];
  if (meanDifference !== null && maxDifference !== null) {
    parts.push(`by ${rounded(meanDifference)} on average, ${rounded(maxDifference)} at most`);
  }
  if (nullInShadow > 0) parts.push(`${count(nullInShadow)} null in the shadow only`);
  if (nullInLive > 0) parts.push(`${count(nullInLive)} null in the live version only`);
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function percent(part: number, whole: number): string {
  return `${rounded((100 * part) / whole)} %`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function signed(value: number): string {
  return value > 0 ? `+${rounded(value)}` : rounded(value);
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
