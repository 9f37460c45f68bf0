import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { GcOptions } from './gc-command.ts';

/** `asof gc`: what keeps the data directory small. */
export function addHousekeepingCommands(program: Command, run: Run): void {
  withCommonOptions(program.command('gc'), 'Take away what nothing needs any more.')
    .option('--dry-run', 'show what would go and why; take nothing away')
    .option('--compact', 'first merge small archive files')
    .addHelpText(
      'after',
      '\nExamples:\n  asof gc --dry-run\n  asof gc --compact\n\n' +
        'Replaced files past their time, files that a crash left, what deleted datasets had,\n' +
        'records of old runs, and logs beyond the `retention` of asof.json. Never what a live\n' +
        'dataset was made from, nor what a reader may still have open. A server may run.',
    )
    .action(
      run<GcOptions>(async (context) => (await import('./gc-command.ts')).gcCommand(context)),
    );
}
