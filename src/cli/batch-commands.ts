import type { Command } from 'commander';
import { addBackfillCommands } from './backfill-commands.ts';
import { type Run, withCommonOptions } from './common-options.ts';
import { addDatasetCommands } from './dataset-commands.ts';
import { addHousekeepingCommands } from './housekeeping-commands.ts';
import { addImportCommand } from './import-commands.ts';
import { addMaterializeCommand } from './materialize-commands.ts';
import { addReleaseCommands } from './release-commands.ts';
import { type TrainOptions, withTrainOptions } from './train-options.ts';
import type { VerifyOptions } from './verify-command.ts';

/** Commands that work on the data directory, whether or not a server runs on it. */
export function addBatchCommands(program: Command, run: Run): void {
  addTrain(program, run);
  addVerify(program, run);
  addDatasetCommands(program, run);
  addBackfillCommands(program, run);
  addImportCommand(program, run);
  addMaterializeCommand(program, run);
  addReleaseCommands(program, run);
  addHousekeepingCommands(program, run);
}

function command(program: Command, name: string, summary: string): Command {
  return withCommonOptions(program.command(name), summary);
}

function addTrain(program: Command, run: Run): void {
  const summary = 'Build a training set: the rows of a spine plus features as of each row.';
  withTrainOptions(command(program, 'train', summary)).action(
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
