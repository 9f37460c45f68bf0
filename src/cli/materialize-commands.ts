import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { MaterializeCommandOptions } from './materialize-command.ts';

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function addMaterializeCommand(program: Command, run: Run): void {
  withCommonOptions(
    program.command('materialize [tables...]'),
    'Bring tables up to what is upstream: what changed there, and nothing else.',
  )
    .option('--all', 'all tables, each after those that it reads')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--unit <glob>', "only units that match, such as 'ds=2026-01-*'")
    .option('--remove-missing', 'take back the rows of units that are gone upstream')
    .option('--allow-missing <column>', 'an optional column that may be null; repeat it', collect)
    .option('--backdate', 'believe when rows of new units were known: a first load in parts')
    .option('--accept <reason>', 'take units that are not like those before; recorded')
    .addHelpText(
      'after',
      '\nExamples:\n  asof materialize merchants\n  asof materialize --all --dry-run\n\n' +
        'Units (files, hive partitions, days of snapshots) that have not changed are not opened. Of\n' +
        'the others, only rows that differ are written: new ones, and retractions of old ones. A\n' +
        'run that was killed is simply run again. It works whether or not a server runs.\n' +
        'A unit whose values are not like those before (another unit of measure, many nulls), or\n' +
        'not as `expect` declares, is refused; --accept "reason" takes it.\n' +
        'Exit code 1 if a table or a unit failed; the others went on. See docs/tables.md.',
    )
    .action((tables: string[], options: MaterializeCommandOptions) =>
      run<MaterializeCommandOptions>(async (context) =>
        (await import('./materialize-command.ts')).materializeCommand(context, tables),
      )(options),
    );
}
