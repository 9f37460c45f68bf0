import { type Command, Option } from 'commander';
import type { BackfillOptions } from './backfill-command.ts';
import { type Run, withCommonOptions } from './common-options.ts';
import type { ReconcileOptions } from './reconcile-command.ts';

/** `asof backfill` and `asof reconcile`: tiles computed from the whole history. */
export function addBackfillCommands(program: Command, run: Run): void {
  addBackfill(program, run);
  addReconcile(program, run);
}

function addBackfill(program: Command, run: Run): void {
  const command = withCommonOptions(
    program.command('backfill [view]'),
    'Compute the tiles of a view from its whole history, as immutable Parquet files.',
  );
  withLimits(command)
    .option('--all', 'all views')
    .option('--from <day>', 'only event days from this one on, such as 2026-01-31; the rest waits')
    .option('--to <day>', 'only event days up to and with this one; the rest waits')
    .addHelpText(
      'after',
      '\nExamples:\n  asof backfill spending@2 --dry-run\n  asof backfill spending@2\n' +
        '  asof backfill --all --window 22:00-06:00 --rate 2000000\n\n' +
        'A view that is defined and not applied yet is taken from the definitions file: backfill\n' +
        'first, then `asof apply` takes its tiles over at once. Stopped or killed, the same command\n' +
        'goes on where it was; run again, it computes the days into which events came since.\n' +
        'It works whether or not a server runs on the data directory. See docs/backfill.md.',
    )
    .action((view: string | undefined, options: BackfillOptions) =>
      run<BackfillOptions>(async (context) =>
        (await import('./backfill-command.ts')).backfillCommand(context, view ?? null),
      )(options),
    );
}

function addReconcile(program: Command, run: Run): void {
  const command = withCommonOptions(
    program.command('reconcile [view]'),
    'Compute days again that were final and got events since, and record what changed.',
  );
  withLimits(command)
    .option('--all', 'all views (the default)')
    .option('--show <record>', 'print a record: key, tile, before, after')
    .option('--list', 'list the records')
    .option('--limit <count>', 'tiles to print at most', '100')
    .addHelpText(
      'after',
      '\nExamples:\n  asof reconcile --dry-run\n  asof reconcile spending@2\n' +
        '  asof reconcile --show 7\n\n' +
        'A day is provisional until its grace has passed (24 to 72 h, by how late events come,\n' +
        'or `grace` in asof.json), then final. What comes after that is never brought in unsaid.',
    )
    .action((view: string | undefined, options: ReconcileOptions) =>
      run<ReconcileOptions>(async (context) =>
        (await import('./reconcile-command.ts')).reconcileCommand(context, view ?? null),
      )(options),
    );
}

function withLimits(command: Command): Command {
  return command
    .option('--dry-run', 'show what would be done: days, chunks, rows, bytes, time')
    .option('--memory <size>', 'memory to use, such as 2GB (default batchMemoryMiB)')
    .option('--threads <count>', 'threads to use (default threads)')
    .option('--rate <rows>', 'rows to read each second at most')
    .option('--window <times>', 'times of the day, UTC, at which it may work, such as 22:00-06:00')
    .addOption(
      new Option(
        '--quota <bounds>',
        'bounds of each owner, such as rows=5000000,bytes=20GB; over those of asof.json',
      ),
    )
    .option('--force', 'compute all anew, also what has not changed');
}
