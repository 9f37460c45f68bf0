import { applyProject, type PlannedChange, planProject } from '../app/project.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { EXIT, type Output } from './output.ts';
import { sayState, sayTiles } from './plan-tiles.ts';

type Change = PlannedChange['diff']['changes'][number];

const MARKS: Readonly<Record<Change['change'], (text: string) => string>> = {
  added: (text) => pc.green(`+ ${text}`),
  removed: (text) => pc.red(`- ${text}`),
  metadata: (text) => pc.dim(`· ${text}`),
  changed: (text) => pc.yellow(`~ ${text}`),
  refused: (text) => pc.red(pc.bold(`! ${text}`)),
};

export async function planCommand({ config, output }: Context): Promise<number> {
  const planned = await planProject(config);
  const { diff, refusals, groups, state, kept } = planned;
  const result = { generation: planned.generation, diff, refusals, groups, state, kept };
  output.finish(result, () => {
    sayChanges(output, diff);
    sayTiles(output, groups);
    sayState(output, state);
    sayKept(output, kept);
    if (diff.changes.length > 0 && refusals.length === 0) {
      output.say();
      output.say('`asof apply` makes it so.');
    }
    for (const refusal of refusals) {
      output.say(`${pc.red('refused')} ${refusal.path}: ${refusal.message}`);
      output.say(`  ${pc.green('→')} ${refusal.remedy}`);
    }
  });
  if (refusals.length > 0 || diff.refused > 0) return EXIT.refused;
  return diff.changes.length > 0 ? EXIT.changes : EXIT.ok;
}

export async function applyCommand({
  config,
  output,
  options,
}: Context<CommonOptions & { readonly author: string }>): Promise<number> {
  const { generation, diff } = await applyProject(config, options.author);
  output.finish({ generation, diff }, () => {
    sayChanges(output, diff);
    output.say(`${pc.green('applied')} as generation ${generation}`);
  });
  return EXIT.ok;
}

/** Over sources with changes: what can run out of entries, a line each. */
function sayKept(output: Output, kept: PlannedChange['kept']): void {
  if (kept.length === 0) return;
  output.say();
  output.say(pc.bold('Kept for changes'));
  for (const { feature, text } of kept) output.say(`  ${feature} ${text}`);
}

export function sayChanges(output: Output, diff: PlannedChange['diff']): void {
  if (diff.changes.length === 0) {
    output.say('No change: the definitions mean what is applied.');
    return;
  }
  for (const change of diff.changes) {
    const version = change.version === null ? '' : `@${change.version}`;
    output.say(MARKS[change.change](`${change.kind} ${change.name}${version}`));
    for (const sentence of change.sentences) output.say(`    ${sentence}`);
  }
  const counts = (['added', 'changed', 'metadata', 'removed', 'refused'] as const)
    .filter((kind) => diff[kind] > 0)
    .map((kind) => `${diff[kind]} ${kind}`);
  output.say();
  output.say(`${counts.join(', ')}; ${diff.unchanged} unchanged`);
}
