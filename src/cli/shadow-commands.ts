import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { CommonOptions } from './context.ts';
import type { ShadowStartOptions, ShadowStopOptions } from './shadow-command.ts';

/** A version beside the live one: read, compared, and never answered. */
export function addShadowCommands(program: Command, run: Run): void {
  const shadow = program
    .command('shadow')
    .description('Read a new version beside the live one on real requests, and see what differs.')
    .addHelpText(
      'after',
      '\nExample:\n  asof shadow start fraud@2 --sample 10%\n  asof shadow report fraud\n' +
        '  asof shadow stop fraud',
    );
  addStart(shadow, run);
  withCommonOptions(shadow.command('stop <service>'), 'End it; the report stays.')
    .option('--author <name>', 'who ends it, for the record', 'command line')
    .addHelpText('after', '\nExample:\n  asof shadow stop fraud')
    .action((service: string, options: ShadowStopOptions) =>
      run<ShadowStopOptions>(async (context) =>
        (await import('./shadow-command.ts')).shadowStopCommand(context, service),
      )(options),
    );
  withCommonOptions(shadow.command('list'), 'Show what is read in the shadow now.')
    .addHelpText('after', '\nExample:\n  asof shadow list')
    .action(
      run<CommonOptions>(async (context) =>
        (await import('./shadow-command.ts')).shadowListCommand(context),
      ),
    );
  withCommonOptions(
    shadow.command('report <service>'),
    'Show which values differ, by how much, and for which keys.',
  )
    .addHelpText(
      'after',
      '\nExample:\n  asof shadow report fraud\n\n' +
        'Both versions are read at one time and one position, after the answer was sent. A running\n' +
        'server writes the report every two seconds. Keys of tokenized columns are tokens.\n' +
        'Exit code 3 if any value differs.',
    )
    .action((service: string, options: CommonOptions) =>
      run<CommonOptions>(async (context) =>
        (await import('./shadow-command.ts')).shadowReportCommand(context, service),
      )(options),
    );
}

function addStart(shadow: Command, run: Run): void {
  withCommonOptions(
    shadow.command('start <service>'),
    'Read this version for a sample of the rows that the live one answers.',
  )
    .option('--sample <share>', 'of the rows, such as 10%', '100%')
    .option('--author <name>', 'who begins it, for the record', 'command line')
    .addHelpText(
      'after',
      '\nExample:\n  asof shadow start fraud@2 --sample 10%\n\n' +
        'The version must be applied; it may still wait for its approval. Beginning again counts\n' +
        'from nothing, as does a change of what is live.',
    )
    .action((service: string, options: ShadowStartOptions) =>
      run<ShadowStartOptions>(async (context) =>
        (await import('./shadow-command.ts')).shadowStartCommand(context, service),
      )(options),
    );
}
