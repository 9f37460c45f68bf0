import { resolve } from 'node:path';
import {
  type AppliedChange,
  applyInDetail,
  type DetailedChange,
  planProject,
  writePlan,
} from '../app/project.ts';
import { tellDefinitions } from '../app/tell-lineage.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { EXIT, type Output } from './output.ts';
import { outputError } from './output-file.ts';
import { sayChanges } from './plan-changes.ts';
import { sayState, sayTiles } from './plan-tiles.ts';

export interface PlanOptions extends CommonOptions {
  readonly out?: string;
}

export async function planCommand({
  config,
  output,
  options,
}: Context<PlanOptions>): Promise<number> {
  const out = options.out === undefined ? null : resolve(options.out);
  const planned = await planProject(config);
  const { diff, refusals, groups, state, kept, impact, cost, namespaces } = planned;
  const isRefused = refusals.length > 0 || diff.refused > 0;
  const written = out !== null && refusals.length === 0 ? out : null;
  if (written !== null) writeOut(written, planned);
  const { generation } = planned;
  const { drafts } = planned;
  const described = { groups, state, kept, impact, cost, namespaces };
  const result = { generation, diff, refusals, drafts, ...described };
  output.finish({ ...result, out: written }, () => {
    sayScope(output, planned);
    sayChanges(output, diff, planned);
    sayTiles(output, groups);
    sayState(output, state);
    sayKept(output, kept);
    sayDrafts(output, drafts);
    sayRefusals(output, refusals);
    if (written !== null) output.say(`\nwritten to ${written}: \`asof apply --plan ${written}\``);
    else if (diff.changes.length > 0 && refusals.length === 0) {
      output.say();
      output.say('`asof apply` makes it so.');
    } else if (out !== null)
      output.say('\nNothing was written: what is refused cannot be applied.');
  });
  if (isRefused) return EXIT.refused;
  return diff.changes.length > 0 ? EXIT.changes : EXIT.ok;
}

function writeOut(path: string, planned: DetailedChange): void {
  try {
    writePlan(path, planned);
  } catch (error) {
    throw outputError(error, path);
  }
}

export interface ApplyOptions extends CommonOptions {
  readonly author: string;
  readonly plan?: string;
}

export async function applyCommand({
  config,
  output,
  options,
}: Context<ApplyOptions>): Promise<number> {
  const planFile = options.plan === undefined ? null : resolve(options.plan);
  const applied = await applyInDetail(config, options.author, { planFile });
  await tellDefinitions(config, applied.plan, applied.diff.changes);
  const { generation, diff, drafts, impact, cost, namespaces } = applied;
  output.finish({ generation, diff, drafts, impact, cost, namespaces }, () => {
    sayScope(output, applied);
    sayChanges(output, diff, applied);
    output.say(`${pc.green('applied')} as generation ${generation}`);
    sayDrafts(output, drafts);
  });
  return EXIT.ok;
}

/** A project that owns some namespaces only says which, as nothing else is looked at. */
function sayScope(output: Output, { namespaces }: Pick<AppliedChange, 'namespaces'>): void {
  if (namespaces === null) return;
  const noun = namespaces.length === 1 ? 'the namespace' : 'the namespaces';
  output.say(`Of ${noun} ${namespaces.join(', ')}; all others stay as they are.`);
}

function sayRefusals(output: Output, refusals: DetailedChange['refusals']): void {
  for (const refusal of refusals) {
    output.say(`${pc.red('refused')} ${refusal.path}: ${refusal.message}`);
    output.say(`  ${pc.green('→')} ${refusal.remedy}`);
  }
}

/** What is computed, and answers nobody yet. */
function sayDrafts(output: Output, drafts: DetailedChange['drafts']): void {
  if (drafts.length === 0) return;
  output.say();
  for (const { title, reason } of drafts) {
    output.say(`${pc.yellow('needs approval')} ${title}: ${reason}`);
  }
  output.say(pc.dim('  drafts are computed, and served once they are approved: asof approvals'));
}

/** Over sources with changes: what can run out of entries, a line each. */
function sayKept(output: Output, kept: DetailedChange['kept']): void {
  if (kept.length === 0) return;
  output.say();
  output.say(pc.bold('Kept for changes'));
  for (const { feature, text } of kept) output.say(`  ${feature} ${text}`);
}
