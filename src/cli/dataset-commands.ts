import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { CommonOptions } from './context.ts';
import type { RebuildOptions } from './dataset-command.ts';

/** `asof dataset …`: training sets that were recorded under a name. */
export function addDatasetCommands(program: Command, run: Run): void {
  const dataset = program
    .command('dataset')
    .description('Training sets as releases: list, show, diff, rebuild, delete.')
    .addHelpText(
      'after',
      '\nRecord one with `asof train --name`. It is written name@number; without a number the\n' +
        'newest is meant. What a dataset needs is kept for as long as it lives.',
    );
  part(dataset, 'list [name]', 'Show what is recorded.')
    .addHelpText('after', '\nExample:\n  asof dataset list fraud_train')
    .action((name: string | undefined, options) =>
      run(async (context) =>
        (await import('./dataset-command.ts')).listCommand(context, name ?? null),
      )(options),
    );
  part(dataset, 'show <dataset>', 'Show what a dataset was made from and what its columns hold.')
    .addHelpText('after', '\nExample:\n  asof dataset show fraud_train@3')
    .action((name: string, options) =>
      run(async (context) => (await import('./dataset-command.ts')).showCommand(context, name))(
        options,
      ),
    );
  part(dataset, 'diff <before> <after>', 'Compare two datasets: what made them, and their rows.')
    .addHelpText(
      'after',
      '\nExample:\n  asof dataset diff fraud_train@2 fraud_train@3\n\n' +
        'Rows are paired by join keys and time; both datasets are built again for it.',
    )
    .action((before: string, after: string, options) =>
      run(async (context) =>
        (await import('./dataset-diff-command.ts')).diffCommand(context, before, after),
      )(options),
    );
  part(dataset, 'rebuild <dataset>', 'Build a dataset again, and check that it is the same.')
    .option('--out <file>', 'where to write; by default where it was written')
    .option('--allow-forgotten', 'where people were removed since: build what is left of it')
    .addHelpText(
      'after',
      '\nExample:\n  asof dataset rebuild fraud_train@2 --out old.parquet\n\n' +
        'It is the same to the byte, whatever was pushed, applied or compacted since. Should\n' +
        'another release of asof or DuckDB write other bytes, the values are compared, and said so.',
    )
    .action((name: string, options: RebuildOptions) =>
      run<RebuildOptions>(async (context) =>
        (await import('./dataset-command.ts')).rebuildCommand(context, name),
      )(options),
    );
  part(dataset, 'delete <dataset>', 'Forget a dataset, and let go of what only it needs.')
    .addHelpText(
      'after',
      '\nExample:\n  asof dataset delete fraud_train@1\n\n' +
        'The file that it was written to stays. Its number is never given again.',
    )
    .action((name: string, options: CommonOptions) =>
      run(async (context) => (await import('./dataset-command.ts')).deleteCommand(context, name))(
        options,
      ),
    );
}

function part(dataset: Command, name: string, summary: string): Command {
  return withCommonOptions(dataset.command(name), summary);
}
