import { type Command, Option } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import { addDatasetCommands } from './dataset-commands.ts';
import { addReleaseCommands } from './release-commands.ts';
import type { TrainOptions } from './train-command.ts';
import type { VerifyOptions } from './verify-command.ts';

/** Commands that work on the data directory, whether or not a server runs on it. */
export function addBatchCommands(program: Command, run: Run): void {
  addTrain(program, run);
  addVerify(program, run);
  addDatasetCommands(program, run);
  addReleaseCommands(program, run);
}

function command(program: Command, name: string, summary: string): Command {
  return withCommonOptions(program.command(name), summary);
}

function addTrain(program: Command, run: Run): void {
  command(
    program,
    'train',
    'Build a training set: the rows of a spine plus features as of each row.',
  )
    .requiredOption('--service <name>', 'the service whose features to join')
    .requiredOption(
      '--spine <file>',
      'rows to enrich: join keys, a time, labels (Parquet, CSV, NDJSON)',
    )
    .requiredOption('--out <file>', 'where to write (.parquet, .csv or .ndjson)')
    .addOption(
      new Option(
        '--known <mode>',
        'serving: only what had arrived by then; final: all that did since',
      )
        .choices(['serving', 'final'])
        .default('serving'),
    )
    .option('--time <column>', 'the spine column that holds the time of each row')
    .option('--prefix <text>', 'put before every feature name, against collisions')
    .option('--serving-delay <duration>', 'how far serving runs behind arrivals, such as 2s')
    .option('--statuses', 'add <feature>_status after each feature that can be an error')
    .option('--name <name>', 'record it as the next number of this dataset, to build it again')
    .option('--author <name>', 'who builds it, for the record', 'command line')
    .addHelpText(
      'after',
      '\nExample:\n  asof train --service fraud --spine labels.csv --out train.parquet\n\n' +
        'The result has exactly the rows of the spine, in their order, each with the features as\n' +
        'of its own time. It works whether or not a server runs on the data directory.\n' +
        'Lists and histograms are lists and structs in Parquet, JSON in NDJSON and CSV.\n' +
        'An event that was taken back counts until its retraction arrived; with final, never.\n' +
        'An error is null: how many there are is told by feature, and with --statuses by row.',
    )
    .action(
      run<TrainOptions>(async (context) =>
        (await import('./train-command.ts')).trainCommand(context),
      ),
    );
}

function addVerify(program: Command, run: Run): void {
  command(program, 'verify', 'Replay sampled served answers offline and compare them with ===.')
    .option('--sample <count>', 'how many answers to replay at most, the newest first', '10000')
    .addHelpText(
      'after',
      '\nExample:\n  asof verify --sample 1000\n\n' +
        'Exit code 1 if any value differs; differences are explained by event and rule.',
    )
    .action(
      run<VerifyOptions>(async (context) =>
        (await import('./verify-command.ts')).verifyCommand(context),
      ),
    );
}
