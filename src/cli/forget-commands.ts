import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { ForgetOptions } from './forget-command.ts';

const many = (value: string, before: string[] = []): string[] => [...before, value];

/** `asof forget`: removes a person, and proves it. */
export function addForgetCommands(program: Command, run: Run): void {
  withCommonOptions(
    program.command('forget'),
    'Remove a person from everything that is stored, and prove it.',
  )
    .option('--entity <entity=key>', 'whom: user=42, fraud.user=42, route=ATL,SFO', many)
    .option('--key <name=value>', 'a part of the key of the one --entity that is named alone', many)
    .option('--file <ids.ndjson>', 'many, one a line: "user=42" or {"entity":"user","key":"42"}')
    .option(
      '--column <source.column>',
      'a column that holds the key although no view says so',
      many,
    )
    .option('--reason <text>', 'why, for the record')
    .option('--request-id <id>', 'the request it answers, for the record')
    .option('--shared <keep|remove>', 'rows that hold a key of somebody else too', 'keep')
    .option('--block', 'never let them in again; else only their past stays out')
    .option('--grace <duration>', 'how long replaced files stay for readers', '10s')
    .option('--dry-run', 'count what would go; change nothing')
    .option('--resume', 'bring what was begun to its end')
    .option('--list', 'show the runs so far')
    .option('--show <id>', 'show the record of a run')
    .option('--verify <id>', 'look through every file again for the --entity of a run')
    .addHelpText(
      'after',
      '\nExamples:\n  asof forget --entity user=42 --dry-run\n' +
        '  asof forget --entity user=42 --request-id dsr-2031 --reason "art. 17"\n' +
        '  asof forget --file ids.ndjson --block\n  asof forget --verify f-… --entity user=42\n\n' +
        'Works with a server running, or without one. Pushes wait meanwhile, reads go on and then\n' +
        'never show the person again; nobody else changes. Exit code 1 if the search after it finds\n' +
        'the key anywhere. What it cannot reach, and all the rest: docs/forgetting.md.',
    )
    .action((options: ForgetOptions) =>
      run<ForgetOptions>(async (context) =>
        (await import('./forget-command.ts')).forgetCommand(context),
      )(options),
    );
}
