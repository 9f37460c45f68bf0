import type { Command } from 'commander';
import type { AccessOptions } from './access-command.ts';
import { type Action, type Run, withCommonOptions } from './common-options.ts';

type Commands = typeof import('./access-command.ts');
type Named = readonly (string | undefined)[];

/** Who may do what. */
export function addAccessCommands(program: Command, run: Run): void {
  const access = program
    .command('access')
    .description('Say who may do what: identities, keys, grants, rules; see docs/access.md.');
  const add = adder(run);
  add(
    access,
    'init',
    'Turn access control on, and make the first key of an admin.',
    (load) => load.initCommand,
  )
    .option('--admin <name>', 'the identity that may do everything', 'admin')
    .addHelpText(
      'after',
      '\nExample:\n  asof access init > admin.key\n\n' +
        'From then on nobody may do anything that was not granted. The key is shown this once; put\n' +
        'it into ASOF_TOKEN, or name its file by --token-file.',
    );
  add(
    access,
    'whoami',
    'Show who you are here, and what you may do.',
    (load) => load.whoamiCommand,
  ).addHelpText('after', '\nExample:\n  ASOF_TOKEN=$(cat admin.key) asof access whoami');
  add(
    access,
    'check <action> [name]',
    'Explain what the policy says of somebody.',
    (load) => load.checkCommand,
  )
    .requiredOption('--as <identity>', 'of whom')
    .addHelpText(
      'after',
      '\nExample:\n  asof access check features.read fraud.checks --as checkout\n\n' +
        'Exit code 1 if it is denied.',
    );
  addIdentities(access, add);
  addKeys(access, add);
  addGrants(access, add);
  addRules(access, add);
}

function addIdentities(access: Command, add: Adder): void {
  const identity = access.command('identity').description('Services and people with keys.');
  add(identity, 'add <name>', 'Add an identity; it may do nothing yet.', (load) => load.addCommand)
    .option('--labels <labels>', 'which column rules ask for, with commas between', '')
    .addHelpText('after', '\nExample:\n  asof access identity add checkout --labels pii');
  add(
    identity,
    'list',
    'Show identities, what they hold and when they came last.',
    (load) => load.listCommand,
  ).addHelpText('after', '\nExample:\n  asof access identity list --json');
  add(
    identity,
    'labels <name> <labels>',
    'Give an identity these labels alone.',
    (load) => load.labelsCommand,
  ).addHelpText('after', "\nExample:\n  asof access identity labels checkout 'pii,money'");
  add(
    identity,
    'disable <name>',
    'Let none of its keys be good any more.',
    (load) => load.disableCommand,
  ).addHelpText('after', '\nExample:\n  asof access identity disable checkout');
  add(
    identity,
    'enable <name>',
    'Let its keys be good again.',
    (load) => load.enableCommand,
  ).addHelpText('after', '\nExample:\n  asof access identity enable checkout');
}

function addKeys(access: Command, add: Adder): void {
  const key = access.command('key').description('API keys of identities.');
  add(key, 'create <identity>', 'Make a key; it is shown this once.', (load) => load.createCommand)
    .option('--expires <duration>', 'it is good for so long, such as 90d')
    .addHelpText('after', '\nExample:\n  asof access key create checkout --expires 90d');
  add(
    key,
    'rotate <identity>',
    'Make a key, and let those before it end.',
    (load) => load.rotateCommand,
  )
    .option('--expires <duration>', 'the new one is good for so long')
    .option('--overlap <duration>', 'those before are good for so long still', '1d')
    .addHelpText('after', '\nExample:\n  asof access key rotate checkout --overlap 1h');
  add(key, 'revoke <id>', 'Let a key end now.', (load) => load.revokeKeyCommand).addHelpText(
    'after',
    '\nExample:\n  asof access key revoke 9f86d081884c7d65\n\n' +
      'The id stands between the underscores of a key. Running servers know within a second.',
  );
  add(
    key,
    'list [identity]',
    'Show keys, without their secrets.',
    (load) => load.keysCommand,
  ).addHelpText('after', '\nExample:\n  asof access key list checkout');
}

function addGrants(access: Command, add: Adder): void {
  const form =
    '\n\nRoles: reader, writer, editor, approver, admin; each holds those before it. A namespace, or\n' +
    "'*' for all. Claims of JWTs are written claim:<issuer>#<claim>=<value>, their subject #sub=.";
  add(
    access,
    'grant <who> <role> <namespace>',
    'Give an identity, or a claim, a role.',
    (load) => load.grantCommand,
  ).addHelpText(
    'after',
    `\nExamples:\n  asof access grant checkout reader fraud\n  asof access grant 'claim:https://login.example#groups=risk' editor fraud${form}`,
  );
  add(
    access,
    'revoke <who> <role> <namespace>',
    'Take a role away.',
    (load) => load.revokeGrantCommand,
  ).addHelpText('after', `\nExample:\n  asof access revoke checkout reader fraud${form}`);
  add(access, 'grants', 'Show who has which role where.', (load) => load.grantsCommand).addHelpText(
    'after',
    '\nExample:\n  asof access grants --json',
  );
}

function addRules(access: Command, add: Adder): void {
  const rule = access.command('rule').description('Columns and features that ask for a label.');
  const placed = (command: Command): Command =>
    command
      .option('--column <source.column>', 'a source column, and all that derives from it')
      .option('--feature <view.feature>', 'a feature, of every version of its view')
      .requiredOption('--label <label>', 'who has it may read');
  placed(
    add(rule, 'add', 'Let only those with a label read something.', (load) => load.addRuleCommand),
  ).addHelpText(
    'after',
    '\nExample:\n  asof access rule add --column fraud.payments.amount --label money\n\n' +
      'Whoever lacks the label is refused features, training sets and dead letters that would show\n' +
      'it, or what is computed from it.',
  );
  placed(
    add(rule, 'remove', 'Take such a rule away.', (load) => load.removeRuleCommand),
  ).addHelpText(
    'after',
    '\nExample:\n  asof access rule remove --column fraud.payments.amount --label money',
  );
  add(rule, 'list', 'Show all rules.', (load) => load.rulesCommand).addHelpText(
    'after',
    '\nExample:\n  asof access rule list',
  );
}

type CommandOf = (
  load: Commands,
) => (...of: [...Parameters<Action<AccessOptions>>, Named]) => Promise<number>;
type Adder = (parent: Command, name: string, summary: string, of: CommandOf) => Command;

/** Commands are loaded when they are called. */
function adder(run: Run): Adder {
  return (parent, name, summary, of) => {
    const command = withCommonOptions(parent.command(name), summary);
    return command.action(async () => {
      const named = command.processedArgs.map((one: unknown) =>
        typeof one === 'string' ? one : undefined,
      );
      await run<AccessOptions>(async (context) =>
        of(await import('./access-command.ts'))(context, named),
      )(command.opts<AccessOptions>());
    });
  };
}
