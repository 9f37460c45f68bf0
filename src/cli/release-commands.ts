import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { PublishOptions, RollbackOptions } from './release-command.ts';
import type { ValidateOptions } from './validate-command.ts';

/** From a new version to the one that everybody is answered by. */
export function addReleaseCommands(program: Command, run: Run): void {
  addValidate(program, run);
  addPublish(program, run);
  addRollback(program, run);
  withCommonOptions(
    program.command('releases [service]'),
    'Show which versions answer, and every change of that.',
  )
    .addHelpText('after', '\nExample:\n  asof releases fraud')
    .action((service: string | undefined, options) =>
      run(async (context) =>
        (await import('./release-command.ts')).releasesCommand(context, service ?? null),
      )(options),
    );
}

function addPublish(program: Command, run: Run): void {
  withCommonOptions(
    program.command('publish <service>'),
    'Let a version of a service answer requests that name none.',
  )
    .option('--canary <share>', 'for this share of the keys only, such as 10%')
    .option('--force <reason>', 'whatever the gates say; the reason is kept')
    .option('--author <name>', 'who publishes, for the record', 'command line')
    .addHelpText(
      'after',
      '\nExamples:\n  asof publish fraud@2 --canary 10%\n  asof publish fraud@2\n\n' +
        'Refused where a view has no passing validation against what is live (`asof validate`),\n' +
        'where no server has built its tiles yet, or where callers could not use its answers.\n' +
        'Until something is published, the newest version of a service answers.',
    )
    .action((service: string, options: PublishOptions) =>
      run<PublishOptions>(async (context) =>
        (await import('./release-command.ts')).publishCommand(context, service),
      )(options),
    );
}

function addRollback(program: Command, run: Run): void {
  withCommonOptions(
    program.command('rollback <service>'),
    'Go back to what was live before: ends a canary, else undoes the last publish.',
  )
    .option('--reason <text>', 'why, for the record')
    .option('--author <name>', 'who rolls back, for the record', 'command line')
    .addHelpText('after', '\nExample:\n  asof rollback fraud --reason "too many nulls"')
    .action((service: string, options: RollbackOptions) =>
      run<RollbackOptions>(async (context) =>
        (await import('./release-command.ts')).rollbackCommand(context, service),
      )(options),
    );
}

function addValidate(program: Command, run: Run): void {
  withCommonOptions(
    program.command('validate <view>'),
    'Compare a version of a view with what is live, on real keys, before it is published.',
  )
    .option(
      '--against <version>',
      'compare with this version, or `live` (default: live, or the one before)',
    )
    .option('--sample <keys>', 'how many keys to look at first', '10000')
    .option('--full', 'then look at all keys')
    .option('--at <time>', 'values as of this time; by default of the newest event')
    .addHelpText(
      'after',
      '\nExample:\n  asof validate card_use@2 --full\n\n' +
        'Values of both versions for the same keys and time are judged by what the view declares\n' +
        '(expect) and by the last days: a median or size that moved by 10 times fails, as dollars\n' +
        'that became cents do. The report is kept; `asof publish` asks for it.\n' +
        'Exit code 1 if it fails. The view need not be applied yet.',
    )
    .action((view: string, options: ValidateOptions) =>
      run<ValidateOptions>(async (context) =>
        (await import('./validate-command.ts')).validateCommand(context, view),
      )(options),
    );
}
