import type { Command } from 'commander';
import type { AuditListOptions, ExportOptions, VerifyOptions } from './audit-command.ts';
import { type Run, withCommonOptions } from './common-options.ts';

/** What was done and what was refused, and the proof that nobody changed the record of it. */
export function addAuditCommands(program: Command, run: Run): void {
  const audit = program
    .command('audit')
    .description('The record of every change and every refusal, and the proof that it is whole.');
  withCommonOptions(audit.command('list'), 'Show the newest entries, the newest first.')
    .option('--since <time>', 'from this day or time on')
    .option('--actor <id>', 'of whoever did it')
    .option('--action <name>', 'such as definitions.apply or lifecycle.approve')
    .option('--namespace <name>', 'of this namespace only')
    .option('--limit <count>', 'at most so many', '50')
    .addHelpText(
      'after',
      '\nExample:\n  asof audit list --since 2026-03-01 --action release.publish',
    )
    .action((options: AuditListOptions) =>
      run<AuditListOptions>(async (context) =>
        (await import('./audit-command.ts')).listCommand(context),
      )(options),
    );
  withCommonOptions(
    audit.command('verify'),
    'Compute every hash again; exit code 1 if one differs.',
  )
    .option('--head <seq:hash>', 'a head that was kept elsewhere: finds what was cut off, too')
    .addHelpText(
      'after',
      '\nExample:\n  asof audit verify --head 1203:9f2c…\n\n' +
        'Names the first entry that was altered, removed, inserted or moved. Whoever can write the\n' +
        'database can write the whole chain anew: a head kept elsewhere, or a key in ASOF_AUDIT_KEY,\n' +
        'finds that as well.',
    )
    .action((options: VerifyOptions) =>
      run<VerifyOptions>(async (context) =>
        (await import('./audit-command.ts')).verifyCommand(context),
      )(options),
    );
  withCommonOptions(audit.command('head'), 'Show number and hash of the newest entry, to keep.')
    .addHelpText('after', '\nExample:\n  asof audit head >> /somewhere/else/heads.txt')
    .action((options) =>
      run(async (context) => (await import('./audit-command.ts')).headCommand(context))(options),
    );
  withCommonOptions(
    audit.command('export'),
    'Write all entries with their hashes, one JSON object a line.',
  )
    .option('--out <file>', 'a file that is not there yet; by default the output')
    .addHelpText('after', '\nExample:\n  asof audit export --out audit.ndjson')
    .action((options: ExportOptions) =>
      run<ExportOptions>(async (context) =>
        (await import('./audit-command.ts')).exportCommand(context),
      )(options),
    );
}
