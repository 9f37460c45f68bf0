import {
  type BackfillPlan,
  type BackfillReport,
  type BackfillRequest,
  backfillProject,
  type PlannedGroup,
  planBackfill,
} from '../app/backfill.ts';
import { formatBytes } from '../base/byte-size.ts';
import { AsofError } from '../base/errors.ts';
import { type LimitOptions, limitsOf, withBar } from './backfill-options.ts';
import { colors as pc } from './colors.ts';
import type { Context } from './context.ts';
import { count, EXIT, type Output, span, table } from './output.ts';

export interface BackfillOptions extends LimitOptions {
  readonly from?: string;
  readonly to?: string;
}

type Group = BackfillReport['groups'][number];

export async function backfillCommand(
  { config, output, options }: Context<BackfillOptions>,
  view: string | null,
): Promise<number> {
  if ((view === null) !== (options.all === true)) {
    throw new AsofError('usage', 'asof backfill takes either a view or --all.', {
      remedy: 'Such as `asof backfill spending@2`; see `asof plan` for what there is.',
    });
  }
  const request: Omit<BackfillRequest, 'signal' | 'onProgress'> = {
    ...limitsOf(options),
    selector: view,
    kind: 'backfill',
    from: options.from ?? null,
    through: options.to ?? null,
  };
  if (options.dryRun === true) {
    const { result } = await withBar(output, 'plan', (ways) =>
      planBackfill(config, { ...request, ...ways }),
    );
    output.finish({ dryRun: true, ...result }, () => sayPlan(output, result));
    return EXIT.ok;
  }
  const { result, stopped } = await withBar(output, 'backfill', (ways) =>
    backfillProject(config, { ...request, ...ways }),
  );
  output.finish({ ...result }, () => sayReport(output, result));
  return stopped ? EXIT.stopped : EXIT.ok;
}

export function sayPlan(output: Output, { groups, touches, applied }: BackfillPlan): void {
  for (const group of groups) sayPlannedGroup(output, group);
  const lines = [
    ['views', touches.views],
    ['services', touches.services],
    ['datasets', touches.datasets],
    ['training sets', touches.recorded],
  ] as const;
  for (const [name, names] of lines) {
    if (names.length > 0) output.say(`${name.padEnd(14)} ${names.join(', ')}`);
  }
  if (!applied) output.say(pc.dim('Not applied yet: `asof apply` takes the tiles over.'));
}

const CHUNKS_SHOWN = 20;

function sayPlannedGroup(output: Output, group: PlannedGroup): void {
  output.say(`${pc.bold(shortId(group.group))}  ${group.source}`);
  if (group.refusal !== null) {
    output.say(`  nothing to do: ${group.refusal}; the stream engine builds it from the history`);
    return;
  }
  if (group.resumes !== null) output.say(`  goes on with ${group.resumes}`);
  if (group.gone.length > 0) {
    const days = group.gone.join(', ');
    output.say(pc.yellow(`  no rows are left, so their tiles go: ${days}`));
  }
  if (group.rows === 0 && group.gone.length === 0) {
    output.say(`  nothing to do: ${nothingText(group.throughCommit)}`);
    return;
  }
  if (group.rows > 0) output.say(workOf(group));
  if (group.final.length > 0) {
    output.say(pc.yellow(`  final, so what changes is recorded: ${group.final.join(', ')}`));
  }
  const rows = group.chunks.slice(0, CHUNKS_SHOWN).map(({ days: of, keys, rows: read }, index) => {
    const first = of[0] ?? '';
    const last = of.at(-1) ?? first;
    const range = first === last ? first : `${first} to ${last}`;
    return [
      `  chunk ${index + 1}`,
      range,
      keys === null ? '' : `keys ${keys}`,
      `${count(read)} rows`,
    ];
  });
  for (const line of table(rows)) output.say(line);
  const more = group.chunks.length - rows.length;
  if (more > 0) output.say(`  and ${count(more)} more chunks`);
}

function workOf(group: PlannedGroup): string {
  const what = group.baseCommit === 0 ? 'all' : `changed since commit ${group.baseCommit}`;
  const days = `${group.days[0]?.day} to ${group.days.at(-1)?.day}`;
  const time = span(group.estimatedSeconds * 1000);
  return (
    `  ${many(group.days.length, 'day')} (${days}), ${what}; ${count(group.rows)} rows, ` +
    `about ${formatBytes(group.estimatedBytes)} and ${time}`
  );
}

export function sayReport(output: Output, { groups, applied, complete }: BackfillReport): void {
  for (const group of groups) {
    output.say(`${pc.bold(shortId(group.group))}  ${lineOf(group)}`);
    if (group.audited.length > 0) {
      const days = group.audited.join(', ');
      output.say(pc.yellow(`  final days have changed: ${days}; see \`asof reconcile --list\``));
    }
    if (group.settled.length > 0) output.say(`  now final: ${group.settled.join(', ')}`);
  }
  if (!complete) {
    output.say(
      pc.yellow('Not complete: a group’s tiles are published once all its days are done.'),
    );
  }
  if (!applied && complete) output.say('`asof apply` takes these tiles over.');
}

/** Enough of an id to name a tile group. */
function shortId(id: string): string {
  return id.slice(0, 12);
}

function many(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`;
}

function nothingText(throughCommit: number): string {
  return throughCommit === 0
    ? 'no events of it are in tiles yet'
    : `everything through commit ${throughCommit} is in its tiles`;
}

function lineOf(group: Group): string {
  switch (group.status) {
    case 'refused':
      return `${group.reason}; the stream engine builds it from the history when it is applied`;
    case 'unchanged':
      return `nothing to do: ${nothingText(group.throughCommit)}`;
    case 'stopped':
      return pc.yellow(`${STOPPED[group.reason ?? ''] ?? 'stopped'}; run it again to go on`);
    default: {
      const reused = group.resumed ? `, ${many(group.reused, 'chunk')} done before` : '';
      return (
        `${pc.green('✓')} ${many(group.days.length, 'day')}, ${count(group.rows)} rows, ` +
        `${count(group.tiles)} tiles, ${formatBytes(group.bytes)} in ` +
        `${span(group.seconds * 1000)}${reused}; through commit ${group.throughCommit}`
      );
    }
  }
}

const STOPPED: Readonly<Record<string, string>> = {
  signal: 'stopped',
  range: 'the days that were asked for are done; all days are published together',
  quota: 'what is left of the owner’s rows of today is too little',
};
