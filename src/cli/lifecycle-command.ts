import { viewerOf } from '../app/access/identity.ts';
import {
  changeLifecycle,
  type LifecycleRequest,
  listLifecycle,
  showLifecycle,
  waitingVersions,
} from '../app/lifecycle.ts';
import { withRegistry } from '../app/with-registry.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { timeOption } from './option-values.ts';
import { EXIT, type Output, table } from './output.ts';
import { exactName } from './versioned-name.ts';

export interface ListOptions extends CommonOptions {
  readonly state?: string;
  readonly kind?: string;
  readonly namespace?: string;
}

export interface MoveOptions extends CommonOptions {
  readonly reason?: string;
  readonly author: string;
}

export interface ApproveOptions extends MoveOptions {
  readonly digest?: string;
}

export interface DeprecateOptions extends MoveOptions {
  readonly until?: string;
  readonly successor?: string;
}

export interface NamespaceOptions extends CommonOptions {
  readonly approvals?: string;
  readonly require?: string;
  readonly kinds?: string;
  readonly owner?: readonly string[];
  readonly author: string;
}

export interface WaitingOptions extends CommonOptions {
  readonly namespace?: string;
}

type Version = Awaited<ReturnType<typeof changeLifecycle>>;

const STATES = ['draft', 'in_review', 'active', 'deprecated', 'retired'];
const KINDS = ['view', 'service', 'model'] as const;

const PAINT: Readonly<Record<Version['state'], (text: string) => string>> = {
  draft: pc.dim,
  in_review: pc.yellow,
  active: pc.green,
  deprecated: pc.yellow,
  retired: pc.dim,
};

export async function listCommand(
  { config, output, options }: Context<ListOptions>,
  name: string | null,
): Promise<number> {
  const { state, kind, namespace } = options;
  oneOf('state', STATES, state);
  const versions = await withRegistry(config, (registry) =>
    listLifecycle(registry, viewerOf(config), {
      ...(name === null ? {} : { name }),
      ...(state === undefined ? {} : { states: [state] }),
      ...(kind === undefined ? {} : { kind: kindOf(kind) }),
      ...(namespace === undefined ? {} : { namespace }),
    }),
  );
  output.finish({ versions }, () => {
    if (versions.length === 0) output.say('No version is like that.');
    const rows = versions.map((one) => [
      title(one),
      one.state,
      day(one.sinceMs),
      one.author,
      [
        ...(one.isDefined ? [] : ['not in the definitions']),
        ...(one.risk === null ? [] : [`high risk: ${one.risk}`]),
        ...(one.deprecatedUntilMs === null ? [] : [`until ${day(one.deprecatedUntilMs)}`]),
        ...(one.successor === null ? [] : [`then ${one.name}@${one.successor}`]),
      ].join('; '),
    ]);
    for (const [at, line] of table(rows).entries()) {
      const paint = PAINT[versions[at]?.state ?? 'active'];
      output.say(paint(line));
    }
  });
  return EXIT.ok;
}

export async function showCommand(
  { config, output }: Context,
  kind: string,
  version: string,
): Promise<number> {
  const id = versionId(kind, version);
  const shown = await withRegistry(config, (registry) =>
    showLifecycle(registry, viewerOf(config), id),
  );
  output.finish(shown, () => {
    const { state, approvals, approvalsNeeded, history } = shown;
    sayState(output, state);
    output.say(pc.dim(`  content ${state.digest}`));
    if (state.risk !== null) output.say(`  of high risk: ${state.risk}`);
    if (state.state === 'in_review' || state.state === 'draft') {
      const given = approvals.map(({ approver }) => approver).join(', ') || 'nobody yet';
      output.say(`  approved by ${given}; ${approvalsNeeded} needed`);
    }
    output.say();
    const rows = history.map((step) => [
      new Date(step.atMs).toISOString(),
      step.event,
      step.from === null ? step.to : `${step.from} → ${step.to}`,
      step.actor,
      step.reason ?? '',
    ]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
}

export function moveCommand(
  context: Context<MoveOptions>,
  event: 'submit' | 'reject' | 'withdraw' | 'reinstate' | 'retire',
  kind: string,
  version: string,
): Promise<number> {
  return change(context, { ...versionId(kind, version), event, reason: reasonOf(context) });
}

export function approveCommand(
  context: Context<ApproveOptions>,
  kind: string,
  version: string,
): Promise<number> {
  const { digest = null } = context.options;
  if (digest !== null && !/^[0-9a-f]{8,64}$/.test(digest)) {
    throw new AsofError('usage', '--digest takes 8 to 64 digits of the content, in hexadecimal.');
  }
  const reason = reasonOf(context);
  return change(context, { ...versionId(kind, version), event: 'approve', digest, reason });
}

export function deprecateCommand(
  context: Context<DeprecateOptions>,
  kind: string,
  version: string,
): Promise<number> {
  const id = versionId(kind, version);
  const { until, successor: given } = context.options;
  const successor = given === undefined ? null : exactName(given);
  if (successor !== null && successor.name !== id.name) {
    throw new AsofError('usage', `--successor is another version of ${id.name}, not ${given}.`);
  }
  const untilMs = timeOption('until', until);
  const reason = reasonOf(context);
  const more = { untilMs, successor: successor?.number ?? null };
  return change(context, { ...id, event: 'deprecate', reason, ...more });
}

async function change(
  { config, output, options }: Context<MoveOptions>,
  request: LifecycleRequest,
): Promise<number> {
  const by = { actor: options.author, nowMs: systemClock.nowMs() };
  const state = await withRegistry(config, (registry) =>
    changeLifecycle(registry, viewerOf(config), request, by),
  );
  output.finish(state, () => {
    sayState(output, state);
    if (state.state === 'in_review') output.say(pc.dim('  see `asof approvals`'));
    else output.say(pc.dim('  a running server takes it over within a second or two'));
  });
  return EXIT.ok;
}

export async function approvalsCommand({
  config,
  output,
  options,
}: Context<WaitingOptions>): Promise<number> {
  const waiting = await withRegistry(config, (registry) =>
    waitingVersions(registry, viewerOf(config), options.namespace),
  );
  output.finish({ waiting }, () => {
    if (waiting.length === 0) output.say('Nothing waits.');
    for (const { state, approvals, approvalsNeeded, owners, not } of waiting) {
      sayState(output, state);
      if (state.state === 'draft') {
        output.say(`  waits for its author: asof lifecycle submit ${title(state)}`);
        continue;
      }
      const left = approvalsNeeded - approvals.length;
      const ask = owners.length === 0 ? '' : `; ask ${owners.join(', ')}`;
      output.say(`  waits for ${left} of ${approvalsNeeded} approval(s)${ask}`);
      const given = approvals.map(({ approver }) => approver);
      output.say(pc.dim(`  not by ${[...not, ...given].join(', ')}; content ${state.digest}`));
      output.say(
        pc.dim(`  asof lifecycle approve ${title(state)} --digest ${state.digest.slice(0, 12)}`),
      );
    }
  });
  return EXIT.ok;
}

function sayState(output: Output, state: Version): void {
  const { deprecatedUntilMs, successor, name, reason } = state;
  const until = deprecatedUntilMs === null ? '' : ` until ${day(deprecatedUntilMs)}`;
  const next = successor === null ? '' : `, then ${name}@${successor}`;
  const why = reason === null ? '' : pc.dim(`  (${reason})`);
  const shown = PAINT[state.state](state.state.replace('_', ' '));
  output.say(`${pc.bold(title(state))}  ${shown}${until}${next}${why}`);
}

function versionId(kind: string, text: string) {
  const { name, number } = exactName(text);
  return { kind: kindOf(kind), name, version: number };
}

export function kindOf(text: string): (typeof KINDS)[number] {
  oneOf('kind', KINDS, text);
  return KINDS.find((kind) => kind === text) ?? 'view';
}

export function oneOf(what: string, known: readonly string[], given: string | undefined): void {
  if (given === undefined || known.includes(given)) return;
  throw new AsofError('usage', `'${given}' is no ${what}; it is one of ${known.join(', ')}.`);
}

function reasonOf({ options }: Context<MoveOptions>): string | null {
  return options.reason?.trim() === '' ? null : (options.reason ?? null);
}

function title({ kind, name, version }: Pick<Version, 'kind' | 'name' | 'version'>): string {
  return `${kind} ${name}@${version}`;
}

function day(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
