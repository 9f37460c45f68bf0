import { viewerOf } from '../app/access/identity.ts';
import { listNamespaces, setNamespace } from '../app/lifecycle.ts';
import { withRegistry } from '../app/with-registry.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { Context } from './context.ts';
import { kindOf, type NamespaceOptions, oneOf } from './lifecycle-command.ts';
import { EXIT, wholeNumber } from './output.ts';

type Policy = Awaited<ReturnType<typeof setNamespace>>;

const REQUIREMENTS = ['none', 'high-risk', 'all'] as const;
const NAME = /^[a-z][a-z0-9_]*$/;

export async function setCommand(
  { config, output, options }: Context<NamespaceOptions>,
  name: string,
): Promise<number> {
  if (!NAME.test(name)) throw new AsofError('usage', `'${name}' is no name of a namespace.`);
  const change = changeOf(options);
  if (Object.keys(change).length === 0) {
    throw new AsofError(
      'usage',
      'Nothing is set: give --approvals, --require, --kinds or --owner.',
    );
  }
  const by = { actor: options.author, nowMs: systemClock.nowMs() };
  const policy = await withRegistry(config, (registry) =>
    setNamespace(registry, viewerOf(config), name, change, by),
  );
  output.finish(policy, () => output.say(policyText(policy)));
  return EXIT.ok;
}

function changeOf({ approvals, require, kinds, owner }: NamespaceOptions) {
  oneOf('requirement', REQUIREMENTS, require);
  const requires = REQUIREMENTS.find((one) => one === require);
  const count = approvals === undefined ? null : wholeNumber('approvals', approvals);
  if (count === 0) {
    throw new AsofError('usage', '--approvals is at least 1; --require none asks for none.');
  }
  return {
    ...(count === null ? {} : { approvals: count }),
    ...(requires === undefined ? {} : { requires }),
    ...(kinds === undefined ? {} : { kinds: kinds.split(',').map((kind) => kindOf(kind.trim())) }),
    ...(owner === undefined ? {} : { owners: owner }),
  };
}

export async function listCommand({ config, output }: Context): Promise<number> {
  const namespaces = await withRegistry(config, (registry) =>
    listNamespaces(registry, viewerOf(config)),
  );
  output.finish({ namespaces }, () => {
    if (namespaces.length === 0) output.say('Nothing is applied, and nothing is set.');
    for (const policy of namespaces) output.say(policyText(policy));
  });
  return EXIT.ok;
}

export async function showCommand({ config, output }: Context, name: string): Promise<number> {
  const found = await withRegistry(config, (registry) =>
    listNamespaces(registry, viewerOf(config)),
  );
  const policy = found.find((one) => one.name === name);
  if (policy === undefined) {
    throw new AsofError('unknown_name', `There is no namespace '${name}'.`, { path: name });
  }
  output.finish(policy, () => output.say(policyText(policy)));
  return EXIT.ok;
}

function policyText({ name, owners, approvals, requires, kinds }: Policy): string {
  const who = owners.length === 0 ? 'nobody in particular' : owners.join(', ');
  const what = { none: 'nothing', 'high-risk': 'what is of high risk', all: 'everything' }[
    requires
  ];
  const asks =
    requires === 'none'
      ? 'asks for no approval'
      : `asks for ${approvals} approval(s) of ${what} among ${kinds.map((kind) => `${kind}s`).join(', ')}`;
  return `${pc.bold(name)}  owned by ${who}; ${asks}`;
}
