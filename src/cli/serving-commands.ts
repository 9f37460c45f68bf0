import type { Command } from 'commander';
import { type Run, withCommonOptions, withServer } from './common-options.ts';
import type { CostOptions } from './cost-command.ts';

/** What serving takes, and what it is made of. */
export function addServingCommands(program: Command, run: Run): void {
  withServer(
    withCommonOptions(
      program.command('cost'),
      'Show what views and features take, who reads them, and what nobody reads.',
    ),
  )
    .option('--days <number>', 'days of reads, today included', '30')
    .option('--features', 'a line for each feature instead of each view')
    .option('--unread', 'only what nobody reads')
    .addHelpText(
      'after',
      '\nExamples:\n  asof cost\n  asof cost --days 90 --features\n  asof cost --unread --json\n\n' +
        'Bytes are of memory, of the saved state, of the online store where there is one, and of the\n' +
        'tile files of backfills; tiles that features share are split among them. With prices in\n' +
        'asof.json ("cost": { "perGiBMonth": { "memory": 5 } }) also money. See docs/cost.md.',
    )
    .action(
      run<CostOptions>(async (context) => (await import('./cost-command.ts')).costCommand(context)),
    );
}
