import {
  addIdentity,
  changeIdentity,
  changeRule,
  createKey,
  enableAccess,
  explainAccess,
  grant,
  parseGrant,
  parseRule,
  readAccess,
  revokeGrant,
  revokeKey,
  rotateKey,
  type ShownKey,
  whoAmI,
} from '../app/access/manage.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { EXIT, type Output, table } from './output.ts';

export interface AccessOptions extends CommonOptions {
  readonly admin?: string;
  readonly as?: string;
  readonly labels?: string;
  readonly expires?: string;
  readonly overlap?: string;
  readonly column?: string;
  readonly feature?: string;
  readonly label?: string;
}

type Ran = (
  context: Context<AccessOptions>,
  named: readonly (string | undefined)[],
) => Promise<number>;

export const initCommand: Ran = async ({ config, output, options }) => {
  const key = await enableAccess(config, options.admin ?? 'admin');
  sayKey(output, key, 'Access control is on: nobody may do what was not granted.');
  return EXIT.ok;
};

export const whoamiCommand: Ran = async ({ config, output }) => {
  const { principal, enabled } = await whoAmI(config);
  output.finish({ enabled, principal }, () => {
    output.say(pc.bold(principal.id));
    if (!enabled) output.say('  Access control is off: everybody may do everything.');
    const rows = principal.grants.map(({ namespace, role }) => [`  ${role}`, namespace]);
    for (const line of table(rows)) output.say(line);
    if (principal.labels.length > 0) output.say(`  labels: ${principal.labels.join(', ')}`);
  });
  return EXIT.ok;
};

export const checkCommand: Ran = async ({ config, output, options }, [action = '', name]) => {
  const explained = await explainAccess(config, options.as ?? '', action, name ?? null);
  const { decision, principal } = explained;
  output.finish(explained, () => {
    const verdict = decision.allowed ? pc.green('allowed') : pc.red('denied');
    output.say(`${verdict} ${principal.id}: ${action}${name === undefined ? '' : ` ${name}`}`);
    if (decision.allowed) return;
    output.say(`  ${decision.reason}`);
    if (decision.learnsNothing) output.say('  It is answered as a name that does not exist.');
  });
  return decision.allowed ? EXIT.ok : EXIT.failed;
};

export const addCommand: Ran = async ({ config, output, options }, [name = '']) => {
  const labels = listOf(options.labels);
  await addIdentity(config, name, labels);
  output.finish({ identity: name, labels }, () => {
    output.say(`${pc.green('✓')} ${name}; next: asof access grant ${name} reader <namespace>`);
  });
  return EXIT.ok;
};

export const listCommand: Ran = async ({ config, output }) => {
  const { identities, keys, grants } = await readAccess(config);
  const listed = identities.map((one) => ({
    ...one,
    keys: keys.filter(({ identity }) => identity === one.name).length,
    lastUsedMs: newest(
      keys.filter(({ identity }) => identity === one.name).map(({ lastUsedMs }) => lastUsedMs),
    ),
    grants: grants
      .filter(({ grantee }) => grantee === `identity:${one.name}`)
      .map(({ namespace, role }) => ({ namespace, role })),
  }));
  output.finish({ identities: listed }, () => {
    const rows = listed.map((one) => [
      one.disabled ? pc.dim(`${one.name} (disabled)`) : pc.bold(one.name),
      one.grants.map(({ namespace, role }) => `${role} ${namespace}`).join(', '),
      one.labels.join(', '),
      `${one.keys} ${one.keys === 1 ? 'key' : 'keys'}`,
      one.lastUsedMs === null ? 'never used' : timeText(one.lastUsedMs),
    ]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
};

export const labelsCommand: Ran = async ({ config, output }, [name = '', text = '']) => {
  const labels = listOf(text);
  await changeIdentity(config, name, { labels });
  output.finish({ identity: name, labels }, () =>
    output.say(`${pc.green('✓')} ${name}: ${labels.join(', ')}`),
  );
  return EXIT.ok;
};

export const disableCommand: Ran = async ({ config, output }, [name = '']) => {
  await changeIdentity(config, name, { disabled: true });
  output.finish({ identity: name, disabled: true }, () =>
    output.say(`${pc.green('✓')} ${name} is disabled; servers know within a second`),
  );
  return EXIT.ok;
};

export const enableCommand: Ran = async ({ config, output }, [name = '']) => {
  await changeIdentity(config, name, { disabled: false });
  output.finish({ identity: name, disabled: false }, () =>
    output.say(`${pc.green('✓')} ${name} is enabled`),
  );
  return EXIT.ok;
};

export const createCommand: Ran = async ({ config, output, options }, [identity = '']) => {
  const key = await createKey(config, identity, options.expires ?? null);
  sayKey(output, key, `A key of ${identity}.`);
  return EXIT.ok;
};

export const rotateCommand: Ran = async ({ config, output, options }, [identity = '']) => {
  const { expires = null, overlap = null } = options;
  const key = await rotateKey(config, identity, expires, overlap);
  sayKey(
    output,
    key,
    `Keys of ${identity} before it are good until ${timeText(key.beforeUntilMs)}.`,
  );
  return EXIT.ok;
};

export const revokeKeyCommand: Ran = async ({ config, output }, [id = '']) => {
  await revokeKey(config, id);
  output.finish({ key: id, revoked: true }, () =>
    output.say(`${pc.green('✓')} ${id} is revoked; servers know within a second`),
  );
  return EXIT.ok;
};

export const keysCommand: Ran = async ({ config, output }, [identity]) => {
  const { keys: all } = await readAccess(config);
  const keys = all.filter((one) => identity === undefined || one.identity === identity);
  output.finish({ keys }, () => {
    const rows = keys.map((key) => [
      key.id,
      pc.bold(key.identity),
      `made ${timeText(key.createdMs)}`,
      key.revokedMs !== null ? `revoked ${timeText(key.revokedMs)}` : expiryText(key.expiresMs),
      key.lastUsedMs === null ? 'never used' : `used ${timeText(key.lastUsedMs)}`,
    ]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
};

export const grantCommand: Ran = async ({ config, output }, [who = '', role = '', where = '']) => {
  const row = parseGrant(who, role, where);
  await grant(config, row);
  output.finish({ granted: row }, () =>
    output.say(`${pc.green('✓')} ${who} is ${role} of ${where}`),
  );
  return EXIT.ok;
};

export const revokeGrantCommand: Ran = async (context, [who = '', role = '', where = '']) => {
  const { config, output } = context;
  const row = parseGrant(who, role, where);
  await revokeGrant(config, row);
  output.finish({ revoked: row }, () =>
    output.say(`${pc.green('✓')} ${who} is ${role} of ${where} no more`),
  );
  return EXIT.ok;
};

export const grantsCommand: Ran = async ({ config, output }) => {
  const { grants } = await readAccess(config);
  output.finish({ grants }, () => {
    const rows = grants.map(({ grantee, namespace, role }) => [namespace, role, grantee]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
};

export const addRuleCommand: Ran = (context) => ruleCommand(context, 'add');
export const removeRuleCommand: Ran = (context) => ruleCommand(context, 'remove');

async function ruleCommand(
  { config, output, options }: Context<AccessOptions>,
  verb: 'add' | 'remove',
): Promise<number> {
  const { column, feature, label = '' } = options;
  if ((column === undefined) === (feature === undefined)) {
    throw new AsofError('usage', 'Give one of --column and --feature.');
  }
  const rule = parseRule(
    column === undefined ? 'feature' : 'column',
    column ?? feature ?? '',
    label,
  );
  await changeRule(config, verb, rule);
  output.finish({ [verb === 'add' ? 'added' : 'removed']: rule }, () => {
    const now = verb === 'add' ? `asks for the label ${label}` : `asks for ${label} no more`;
    output.say(`${pc.green('✓')} ${rule.kind} ${rule.definition}.${rule.part} ${now}`);
  });
  return EXIT.ok;
}

export const rulesCommand: Ran = async ({ config, output }) => {
  const { rules } = await readAccess(config);
  output.finish({ rules }, () => {
    const rows = rules.map((rule) => [rule.kind, `${rule.definition}.${rule.part}`, rule.label]);
    for (const line of table(rows)) output.say(line);
  });
  return EXIT.ok;
};

/** The key alone goes to standard output, so that it can be piped into where it is kept. */
function sayKey(output: Output, key: ShownKey, sentence: string): void {
  output.finish(key, () => {
    process.stderr.write(
      `${sentence} The key is shown this once (${expiryText(key.expiresMs)}):\n`,
    );
    output.say(key.key);
  });
}

function expiryText(expiresMs: number | null): string {
  return expiresMs === null ? 'never expires' : `expires ${timeText(expiresMs)}`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function newest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
