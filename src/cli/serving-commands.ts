import type { Command } from 'commander';
import { type Run, withCommonOptions, withServer } from './common-options.ts';
import type { RemoteOptions } from './context.ts';
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
  addStoreCommands(program, run);
}

function addStoreCommands(program: Command, run: Run): void {
  const store = program
    .command('store')
    .description('The online store that other processes are answered from.');
  const add = (name: string, summary: string): Command =>
    withServer(withCommonOptions(store.command(name), summary));
  add('status', 'Show how far the online store is kept up.')
    .addHelpText('after', '\nExample:\n  asof store status --json')
    .action(
      run<RemoteOptions>(async (context) =>
        (await import('./store-command.ts')).storeStatusCommand(context),
      ),
    );
  add('rebuild', 'Write all rows of the online store anew, from the state of the server.')
    .addHelpText(
      'after',
      '\nExample:\n  asof store rebuild\n\n' +
        'For a store that lost rows, or that holds those of another data directory. Readers go on\n' +
        'with what is there until all of it is written, and are then moved at once.',
    )
    .action(
      run<RemoteOptions>(async (context) =>
        (await import('./store-command.ts')).storeRebuildCommand(context),
      ),
    );
  add('clear', 'Remove all rows of the online store.')
    .addHelpText(
      'after',
      '\nExample:\n  asof store clear\n\n' +
        'A server that runs publishes nothing more until `asof store rebuild`, or its next start.',
    )
    .action(
      run<RemoteOptions>(async (context) =>
        (await import('./store-command.ts')).storeClearCommand(context),
      ),
    );
}
