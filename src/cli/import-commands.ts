import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { ImportCommandOptions } from './import-command.ts';

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function addImportCommand(program: Command, run: Run): void {
  withCommonOptions(
    program.command('import <source> [files...]'),
    'Import past events of a stream, each with its own arrival.',
  )
    .option('--query <sql>', 'rows of a DuckDB query instead of files')
    .option('--arrival-column <column>', 'when each row was known')
    .option('--assumed-delay <duration>', 'or: how long after its event time, such as 5s')
    .option('--until <time>', 'leave out rows that arrived from then on', 'auto')
    .option('--map <theirs=ours>', 'a column that is named otherwise; repeat it', collect)
    .option('--allow-missing <column>', 'an optional column that may be null; repeat it', collect)
    .option('--time-zone <zone>', 'of times that name none', 'UTC')
    .option('--finer-times <what>', "times finer than 1 ms: 'refuse' or 'floor'", 'refuse')
    .option('--dry-run', 'count what would be done, and do nothing')
    .addHelpText(
      'after',
      '\nExample:\n  asof import payments history/*.parquet --arrival-column received_at\n\n' +
        'Files are Parquet, CSV or NDJSON. No event counts twice: rows whose id is known are\n' +
        'duplicates; of a source without ids, rows from its first live event on are left out.\n' +
        'Repeating the same import takes nothing; one that was stopped goes on where it was.\n' +
        'It works whether or not a server runs on the data directory.',
    )
    .action((source: string, files: string[], options: ImportCommandOptions) =>
      run<ImportCommandOptions>(async (context) =>
        (await import('./import-command.ts')).importCommand(context, source, files),
      )(options),
    );
}
