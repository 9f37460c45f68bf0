import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { ValidateOptions } from './validate-command.ts';

/** From a new version to the one that everybody is answered by. */
export function addReleaseCommands(program: Command, run: Run): void {
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
