import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type {
  ApproveOptions,
  DeprecateOptions,
  ListOptions,
  MoveOptions,
  NamespaceOptions,
  WaitingOptions,
} from './lifecycle-command.ts';

const AUTHOR_HELP =
  '\nWithout access control the names given by --author are bookkeeping alone: nobody proves who\n' +
  'they are, and an approval is by another name than the author. `asof access init` changes that.';

/** Where versions are between a draft and their retirement, and who lets them go on. */
export function addLifecycleCommands(program: Command, run: Run): void {
  const lifecycle = program
    .command('lifecycle')
    .description('Where versions of views, services and models are, and how they go on.');
  addReading(lifecycle, run);
  addMoves(lifecycle, run);
  addApproval(lifecycle, run);
  addNamespaces(program, run);
  withCommonOptions(
    program.command('approvals'),
    'Show what waits for approval, for how many, and who may not give it.',
  )
    .option('--namespace <name>', 'of this namespace only')
    .addHelpText('after', '\nExample:\n  asof approvals --namespace fraud')
    .action((options: WaitingOptions) =>
      run<WaitingOptions>(async (context) =>
        (await import('./lifecycle-command.ts')).approvalsCommand(context),
      )(options),
    );
}

function addReading(lifecycle: Command, run: Run): void {
  withCommonOptions(lifecycle.command('list [name]'), 'List versions and their states.')
    .option('--state <state>', 'draft, in_review, active, deprecated or retired')
    .option('--kind <kind>', 'view, service or model')
    .option('--namespace <name>', 'of this namespace only')
    .addHelpText('after', '\nExample:\n  asof lifecycle list --state in_review')
    .action((name: string | undefined, options: ListOptions) =>
      run<ListOptions>(async (context) =>
        (await import('./lifecycle-command.ts')).listCommand(context, name ?? null),
      )(options),
    );
  withCommonOptions(
    lifecycle.command('show <kind> <version>'),
    'Show a version: its state, its approvals, and every step that it went.',
  )
    .addHelpText('after', '\nExample:\n  asof lifecycle show view fraud.spend@2')
    .action((kind: string, version: string, options) =>
      run(async (context) =>
        (await import('./lifecycle-command.ts')).showCommand(context, kind, version),
      )(options),
    );
}

/** The events that need nothing but a reason. */
const MOVES = [
  ['submit', 'Ask for approval of a draft.', 'asof lifecycle submit view fraud.spend@2'],
  ['reject', 'Send a version in review back to its author.', '--reason "wrong currency"'],
  ['withdraw', 'Give up a draft that was never served; its number stays taken.', ''],
  ['reinstate', 'Make a deprecated version active again.', ''],
  ['retire', 'Serve a version no more, for ever; refused while anything names it.', ''],
] as const;

function addMoves(lifecycle: Command, run: Run): void {
  for (const [event, summary, example] of MOVES) {
    const line = example.startsWith('asof')
      ? example
      : `asof lifecycle ${event} view fraud.spend@2 ${example}`.trim();
    withCommonOptions(lifecycle.command(`${event} <kind> <version>`), summary)
      .option('--reason <text>', 'why, for the record')
      .option('--author <name>', 'who does it, for the record', 'command line')
      .addHelpText('after', `\nExample:\n  ${line}\n${AUTHOR_HELP}`)
      .action((kind: string, version: string, options: MoveOptions) =>
        run<MoveOptions>(async (context) =>
          (await import('./lifecycle-command.ts')).moveCommand(context, event, kind, version),
        )(options),
      );
  }
}

function addApproval(lifecycle: Command, run: Run): void {
  withCommonOptions(
    lifecycle.command('approve <kind> <version>'),
    'Approve exactly what is in review; the last approval that is needed makes it active.',
  )
    .option('--digest <hex>', 'the content that was looked at; refused if it is another by now')
    .option('--reason <text>', 'why, for the record')
    .option('--author <name>', 'who approves: never who wrote or submitted it', 'command line')
    .addHelpText(
      'after',
      `\nExample:\n  asof lifecycle approve view fraud.spend@2 --author ann\n${AUTHOR_HELP}`,
    )
    .action((kind: string, version: string, options: ApproveOptions) =>
      run<ApproveOptions>(async (context) =>
        (await import('./lifecycle-command.ts')).approveCommand(context, kind, version),
      )(options),
    );
  withCommonOptions(
    lifecycle.command('deprecate <kind> <version>'),
    'Tell readers of a version to move on; it is served as before, and says so in every answer.',
  )
    .option('--until <day>', 'served until then at least, such as 2027-03-01')
    .option('--successor <version>', 'what to read instead, such as spend@2')
    .option('--reason <text>', 'why, for the record')
    .option('--author <name>', 'who does it, for the record', 'command line')
    .addHelpText(
      'after',
      '\nExample:\n  asof lifecycle deprecate view spend@1 --until 2027-03-01 --successor spend@2',
    )
    .action((kind: string, version: string, options: DeprecateOptions) =>
      run<DeprecateOptions>(async (context) =>
        (await import('./lifecycle-command.ts')).deprecateCommand(context, kind, version),
      )(options),
    );
}

function addNamespaces(program: Command, run: Run): void {
  const namespace = program
    .command('namespace')
    .description('What the owners of a namespace ask before a version is served.');
  withCommonOptions(namespace.command('set <name>'), 'Say who owns a namespace, and what it asks.')
    .option('--approvals <count>', 'how many people must approve a version')
    .option('--require <which>', 'which versions need approval: none, high-risk or all')
    .option('--kinds <list>', 'of which kinds: view,service,model')
    .option('--owner <name...>', 'whom to ask; replaces those before')
    .option('--author <name>', 'who does it, for the record', 'command line')
    .addHelpText(
      'after',
      '\nExample:\n  asof namespace set fraud --approvals 1 --require high-risk --owner ann --owner bob',
    )
    .action((name: string, options: NamespaceOptions) =>
      run<NamespaceOptions>(async (context) =>
        (await import('./namespace-command.ts')).setCommand(context, name),
      )(options),
    );
  withCommonOptions(namespace.command('list'), 'List namespaces and what they ask.')
    .addHelpText('after', '\nExample:\n  asof namespace list')
    .action((options) =>
      run(async (context) => (await import('./namespace-command.ts')).listCommand(context))(
        options,
      ),
    );
  withCommonOptions(namespace.command('show <name>'), 'Show what one namespace asks.')
    .addHelpText('after', '\nExample:\n  asof namespace show fraud')
    .action((name: string, options) =>
      run(async (context) => (await import('./namespace-command.ts')).showCommand(context, name))(
        options,
      ),
    );
}
