import { Command, CommanderError, Option } from 'commander';
import { loadConfig } from '../app/config.ts';
import { packageVersion } from '../app/package-version.ts';
import { systemClock } from '../base/clock.ts';
import type { CommonOptions, Context } from './context.ts';
import { createOutput, EXIT, reportError } from './output.ts';
import type { TrainOptions } from './train-command.ts';
import type { VerifyOptions } from './verify-command.ts';

type Action<O extends CommonOptions> = (context: Context<O>) => Promise<number>;

const EXIT_CODES = `
Exit codes: 0 done · 1 failed (the error says why) · 2 wrong usage · 3 \`plan\` found changes ·
4 \`plan\` found changes that are refused. Errors are listed in docs/ERRORS.md.`;

/** Runs one command line and gives its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('asof')
    .description(
      'Define a feature once; serve it online, train on it without leakage, and prove that both agree.',
    )
    .version(packageVersion())
    .showHelpAfterError('(add --help for what it takes)')
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  const run =
    <O extends CommonOptions>(action: Action<O>, fixed: Readonly<Record<string, unknown>> = {}) =>
    async (options: O): Promise<void> => {
      const output = createOutput(options.json === true);
      try {
        const config = loadConfig(options.project ?? '.', { ...fixed, ...overridesOf(options) });
        exitCode = await action({ config, output, options });
      } catch (error) {
        exitCode = reportError(error, output);
      }
    };
  addProjectCommands(program, run);
  addServerCommands(program, run);
  addOfflineCommands(program, run);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return exitCode;
}

type Run = <O extends CommonOptions>(action: Action<O>) => (options: O) => Promise<void>;

function overridesOf(options: CommonOptions & { port?: string; host?: string }): object {
  return {
    dataDir: options.dataDir,
    definitions: options.definitions,
    host: options.host,
    port: options.port === undefined ? undefined : Number(options.port),
  };
}

function command(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .option('-p, --project <folder>', 'the folder that holds asof.json', '.')
    .option('--data-dir <folder>', 'where events, state and archive live (default .asof)')
    .option('--definitions <file>', 'the definitions file (default features.ts)')
    .option('--json', 'print one JSON object as the last line');
}

function addProjectCommands(program: Command, run: Run): void {
  program
    .command('init [folder]')
    .description('Write a working project: definitions, sample events, labels, settings.')
    .option('--json', 'print one JSON object as the last line')
    .addHelpText('after', '\nExample:\n  asof init shop && cd shop && npm install && npx asof dev')
    .action(async (folder: string | undefined, options: CommonOptions) => {
      const { init } = await import('./init.ts');
      init(folder ?? '.', packageVersion(), systemClock, createOutput(options.json === true));
    });
  command(program, 'plan', 'Show what applying the definitions would change; change nothing.')
    .addHelpText('after', '\nExit code 0: no change; 3: changes; 4: refused changes.')
    .action(run(async (context) => (await import('./plan-commands.ts')).planCommand(context)));
  command(
    program,
    'apply',
    'Make the definitions the current ones. Meaning never changes in place.',
  )
    .option('--author <name>', 'who applies, for the record', 'command line')
    .addHelpText('after', '\nA running `asof serve` takes the new definitions over by itself.')
    .action(
      run<CommonOptions & { author: string }>(async (context) =>
        (await import('./plan-commands.ts')).applyCommand(context),
      ),
    );
}

function addServerCommands(program: Command, run: Run): void {
  const listening = (one: Command): Command =>
    one
      .option('--port <number>', 'port to listen on; 0 takes a free one (default 6570)')
      .option('--host <address>', 'address to listen on (default 127.0.0.1)');
  listening(command(program, 'dev', 'Run everything in one process; apply and reload on change.'))
    .addHelpText(
      'after',
      '\nEndpoints: POST /v1/features, POST /v1/events/:source, GET /v1/status.',
    )
    .action(run(async (context) => (await import('./server-commands.ts')).devCommand(context)));
  listening(command(program, 'serve', 'Run what has been applied: ingest, stream and serve.'))
    .addHelpText('after', '\nStops cleanly on SIGINT or SIGTERM; after a crash it replays its log.')
    .action(run(async (context) => (await import('./server-commands.ts')).serveCommand(context)));
  const remote = (one: Command): Command =>
    one.option('--url <address>', 'the server (default http://127.0.0.1:6570)');
  remote(command(program, 'push <source> [file]', 'Send events (NDJSON or JSON; - is stdin).'))
    .addHelpText('after', '\nExample:\n  asof push payments payments.ndjson')
    .action((source: string, file: string | undefined, options) =>
      run(async (context) =>
        (await import('./client-commands.ts')).pushCommand(context, source, file ?? '-'),
      )(options),
    );
  remote(command(program, 'get <service> <keys...>', 'Read the features of one entity row.'))
    .addHelpText('after', '\nExample:\n  asof get fraud user=u3')
    .action((service: string, keys: string[], options) =>
      run(async (context) =>
        (await import('./client-commands.ts')).getCommand(context, service, keys),
      )(options),
    );
  remote(
    command(program, 'status', 'Show sources, freshness, state and rejections of a server.'),
  ).action(run(async (context) => (await import('./client-commands.ts')).statusCommand(context)));
}

function addOfflineCommands(program: Command, run: Run): void {
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
    .addHelpText(
      'after',
      '\nExample:\n  asof train --service fraud --spine labels.csv --out train.parquet',
    )
    .action(
      run<TrainOptions>(async (context) =>
        (await import('./train-command.ts')).trainCommand(context),
      ),
    );
  command(program, 'verify', 'Replay sampled served answers offline and compare them with ===.')
    .option('--sample <count>', 'how many answers to replay at most, the newest first', '10000')
    .addHelpText('after', '\nExit code 1 if any value differs; each difference is explained.')
    .action(
      run<VerifyOptions>(async (context) =>
        (await import('./verify-command.ts')).verifyCommand(context),
      ),
    );
}
