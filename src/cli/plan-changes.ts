import type { DetailedChange } from '../app/project.ts';
import { formatBytes } from '../base/byte-size.ts';
import { colors as pc } from './colors.ts';
import { count, type Output, span } from './output.ts';

type Diff = DetailedChange['diff'];
type Change = Diff['changes'][number];
type Impact = DetailedChange['impact'][number];

/** Names of one line; --json has all of them. */
const NAMES_SHOWN = 6;

const MARKS: Readonly<Record<Change['change'], (text: string) => string>> = {
  added: (text) => pc.green(`+ ${text}`),
  removed: (text) => pc.red(`- ${text}`),
  metadata: (text) => pc.dim(`· ${text}`),
  changed: (text) => pc.yellow(`~ ${text}`),
  refused: (text) => pc.red(pc.bold(`! ${text}`)),
};

/** Each change with its class, what differs by which rule, what it touches and what it costs. */
export function sayChanges(
  output: Output,
  diff: Diff,
  details: Pick<DetailedChange, 'impact' | 'cost'> | null = null,
): void {
  if (diff.changes.length === 0) {
    output.say('No change: the definitions mean what is applied.');
    return;
  }
  diff.changes.forEach((change, at) => {
    const version = change.version === null ? '' : `@${change.version}`;
    output.say(MARKS[change.change](`${change.kind} ${change.name}${version}`) + classText(change));
    for (const line of linesOf(change)) output.say(`    ${line}`);
    const impact = details?.impact[at];
    if (impact === undefined) return;
    for (const line of impactLines(impact)) output.say(pc.dim(`    ${line}`));
  });
  const counts = (['added', 'changed', 'metadata', 'removed', 'refused'] as const)
    .filter((kind) => diff[kind] > 0)
    .map((kind) => `${diff[kind]} ${kind}`);
  output.say();
  output.say(`${counts.join(', ')}; ${diff.unchanged} unchanged`);
  if (details !== null) sayCost(output, diff, details.cost);
}

/** Where the mark alone does not tell. */
function classText(change: Change): string {
  if (change.since !== null) return ` (since @${change.since.version}: ${change.since.class})`;
  if (change.class === 'compatible') return pc.green(' (compatible)');
  return change.class === 'breaking' ? pc.red(' (breaking)') : '';
}

/** Sentences, each with the rules that put it into its class. */
function linesOf({ sentences, rules, since, remedy }: Change): string[] {
  const prefix = since === null ? '' : `since @${since.version}: `;
  const lines = sentences.map((sentence) => {
    const names = rules.filter((one) => `${prefix}${one.sentence}` === sentence);
    const shown = names.filter((one) => one.class !== 'metadata').map(({ rule }) => rule);
    return shown.length === 0 ? sentence : `${sentence} ${pc.dim(`[${shown.join(', ')}]`)}`;
  });
  return remedy === null ? lines : [...lines, `${pc.green('→')} ${remedy}`];
}

function impactLines({ touches, cost, replay }: Impact): string[] {
  const lines: string[] = [];
  const { hidden } = touches;
  const kinds = ['features', 'services', 'models', 'datasets', 'dashboards', 'released'] as const;
  for (const kind of kinds) {
    if (touches[kind].length > 0) lines.push(`touches ${kind}: ${namesOf(touches[kind])}`);
  }
  if (hidden > 0) lines.push(`touches ${count(hidden)} more of other namespaces`);
  const { groupsAdded, groupsRemoved, bytesAdded, bytesRemoved } = cost;
  if (groupsAdded.length > 0) {
    const state = bytesAdded === null ? 'state of as many keys as come' : formatBytes(bytesAdded);
    lines.push(`builds ${groupsText(groupsAdded.length)}: ${state}${replayText(replay)}`);
  }
  if (groupsRemoved.length > 0) {
    const state = bytesRemoved === null ? '' : `: ${formatBytes(bytesRemoved)} of state`;
    lines.push(`drops ${groupsText(groupsRemoved.length)}${state}`);
  }
  return lines;
}

function groupsText(groups: number): string {
  return groups === 1 ? '1 tile group' : `${count(groups)} tile groups`;
}

function replayText({ events, days, seconds, bytes }: Impact['replay']): string {
  if (events === 0) return '';
  const noun = days === 1 ? 'day' : 'days';
  const work = `about ${span(seconds * 1000)}, ${formatBytes(bytes)} of tiles`;
  return `; ${count(events)} archived events of ${count(days)} ${noun} are read again (${work})`;
}

function namesOf(names: readonly string[]): string {
  if (names.length <= NAMES_SHOWN) return names.join(', ');
  const shown = names.slice(0, NAMES_SHOWN - 1);
  return `${shown.join(', ')} and ${count(names.length - shown.length)} more`;
}

/** Each tile group counts once, however many changes are why it is built. */
function sayCost(output: Output, diff: Diff, cost: DetailedChange['cost']): void {
  const { groupsAdded, groupsRemoved } = diff;
  if (groupsAdded.length === 0 && groupsRemoved.length === 0) return;
  const parts = [
    groupsAdded.length > 0 ? `${groupsText(groupsAdded.length)} built${replayText(cost)}` : null,
    groupsRemoved.length > 0 ? `${groupsText(groupsRemoved.length)} dropped` : null,
  ];
  output.say(`state: ${parts.filter((part) => part !== null).join('; ')}`);
}
