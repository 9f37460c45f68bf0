import type { Command } from 'commander';
import type { ActionName, CommandUse } from '../app/access/command-door.ts';
import { versionedName } from './versioned-name.ts';

/** A command line as it was understood. */
export interface Called {
  /** `dataset show`. */
  readonly path: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Namespaces of the project, where it has but some; null: all there are. */
  readonly namespaces: readonly string[] | null;
}

/**
 * What a command says of itself. `open` ones touch no project, or start the server, which answers
 * nobody without an identity; of `server` ones the server decides, who is told the token.
 */
export type CommandAccess = 'open' | 'server' | ((called: Called) => CommandUse);

const SERVER = 'server' as const;

/** Every command has its row here: one that is missing is nobody's once access control is on. */
export const COMMAND_ACCESS: Readonly<Record<string, CommandAccess>> = {
  init: 'open',
  serve: 'open',
  dev: project('definitions.apply'),
  plan: project('definitions.plan'),
  apply: project('definitions.apply'),
  // Asked of the server, which sees the token.
  push: SERVER,
  get: SERVER,
  status: SERVER,
  'store status': SERVER,
  'store rebuild': SERVER,
  'store clear': whole('store.manage'),
  cost: SERVER,
  lateness: SERVER,
  drift: SERVER,
  'deadletters list': SERVER,
  'deadletters count': SERVER,
  'deadletters export': SERVER,
  'deadletters readmit': SERVER,
  // Over events and tables.
  // What follows the source are files.
  import: ({ args }) => ({ action: 'events.import', names: texts(args.slice(0, 1)) }),
  materialize: named('materialize'),
  backfill: named('backfill'),
  reconcile: named('reconcile'),
  gc: whole('gc'),
  // Training.
  train: ({ options }) => ({
    action: options.keepIds === true ? 'train.ids' : 'train',
    names: texts([options.service, options.dataset, options.name, options.spineEvents]),
  }),
  verify: whole('verify.served'),
  'dataset list': listed('datasets.list', 'datasets.read'),
  'dataset show': named('datasets.read'),
  'dataset diff': named('datasets.build'),
  'dataset rebuild': named('datasets.build'),
  'dataset delete': named('datasets.delete'),
  // Versions that answer.
  validate: named('release.validate'),
  publish: named('release.publish'),
  rollback: named('release.rollback'),
  'shadow start': named('release.shadow'),
  'shadow stop': named('release.shadow'),
  'shadow report': named('release.shadow'),
  'shadow list': whole('releases.list'),
  releases: listed('releases.list', 'services.read'),
  // What there is; cut to what may be read.
  search: whole('catalogue.search'),
  lineage: whole('catalogue.search'),
  forget: forgetPlace,
  'privacy generate-key': 'open',
  'privacy init': whole('privacy.keys'),
  'privacy status': whole('privacy.keys'),
  'privacy rotate-key': whole('privacy.keys'),
  'privacy plan-rotation': whole('privacy.keys'),
  // What is asked of one version is asked where it is done, and noted there.
  'lifecycle list': whole('lifecycle.read'),
  'lifecycle show': whole('lifecycle.read'),
  'lifecycle submit': version('lifecycle.submit'),
  'lifecycle withdraw': version('lifecycle.submit'),
  'lifecycle approve': version('lifecycle.approve'),
  'lifecycle reject': version('lifecycle.reject'),
  'lifecycle deprecate': version('lifecycle.deprecate'),
  'lifecycle reinstate': version('lifecycle.deprecate'),
  'lifecycle retire': version('lifecycle.retire'),
  approvals: whole('lifecycle.read'),
  'namespace set': ({ args }) => ({
    action: 'access.manage',
    names: texts(args).map((name) => `${name}.*`),
  }),
  'namespace list': whole('lifecycle.read'),
  'namespace show': whole('lifecycle.read'),
  'audit list': whole('audit.read'),
  'audit verify': whole('audit.verify'),
  'audit head': whole('audit.verify'),
  'audit export': whole('audit.verify'),
  // Access itself; what each needs is asked where it is done, and noted there.
  'access init': whole('access.identities'),
  'access whoami': whole('access.whoami'),
  'access check': whole('access.identities'),
  'access identity add': whole('access.identities'),
  'access identity list': whole('access.identities'),
  'access identity disable': whole('access.identities'),
  'access identity enable': whole('access.identities'),
  'access identity labels': whole('access.identities'),
  'access key create': whole('access.identities'),
  'access key rotate': whole('access.identities'),
  'access key revoke': whole('access.identities'),
  'access key list': whole('access.identities'),
  'access grant': grantPlace,
  'access revoke': grantPlace,
  'access grants': whole('access.list'),
  'access rule add': rulePlace,
  'access rule remove': rulePlace,
  'access rule list': whole('access.list'),
};

/** The words that lead to a command, without `asof`. */
export function pathOf(command: Command): string {
  const words: string[] = [];
  for (let one: Command | null = command; one !== null && one.parent !== null; one = one.parent) {
    words.unshift(one.name());
  }
  return words.join(' ');
}

/** All that its arguments name; all that there is where they name nothing, or beside `--all`. */
function named(action: ActionName): CommandAccess {
  return ({ args, options }) => {
    const names = texts(args.flat());
    return { action, names: names.length === 0 || options.all === true ? 'all' : names };
  };
}

/** The entities that it names; a file of them, and the records, concern all that there is. */
function forgetPlace({ options }: Called): CommandUse {
  const named = texts([options.entity].flat());
  const ofAll = [options.list, options.resume].includes(true) || options.show !== undefined;
  const isAll = named.length === 0 || options.file !== undefined || ofAll;
  const names = isAll ? 'all' : named.map((text) => text.replace(/=.*$/s, ''));
  return { action: 'privacy.forget', names };
}

function listed(all: ActionName, one: ActionName): CommandAccess {
  return ({ args }) => {
    const names = texts(args.flat());
    return names.length === 0 ? { action: all, names: 'all' } : { action: one, names };
  };
}

function whole(action: ActionName): CommandAccess {
  return () => ({ action, names: 'all' });
}

/** `<kind> <name@version>`. */
function version(action: ActionName): CommandAccess {
  return ({ args }) => ({ action, names: texts(args.slice(1, 2)) });
}

/** A project's own namespaces; without any it speaks for all, and takes away what it lacks. */
function project(action: ActionName): CommandAccess {
  return ({ namespaces }) => ({
    action,
    names: namespaces === null ? 'all' : namespaces.map((namespace) => `${namespace}.*`),
  });
}

/** `<grantee> <role> <namespace>`. */
function grantPlace({ args }: Called): CommandUse {
  const [, , namespace] = texts(args);
  if (namespace === undefined || namespace === '*') {
    return { action: 'access.identities', names: 'all' };
  }
  return { action: 'access.manage', names: [`${namespace}.*`] };
}

/** `--column fraud.payments.amount`, or `--feature fraud.spend.total_1h`. */
function rulePlace({ options }: Called): CommandUse {
  return { action: 'access.manage', names: texts([options.column ?? options.feature]) };
}

/** Names without their versions; what is no text was not given. */
function texts(values: readonly unknown[]): string[] {
  return values
    .filter((value) => typeof value === 'string' && value !== '')
    .map((value) => nameIn(String(value)));
}

function nameIn(text: string): string {
  try {
    return versionedName(text).name;
  } catch {
    return text;
  }
}
