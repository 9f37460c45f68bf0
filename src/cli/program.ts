import { statSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { type Config, loadConfig } from '../app/config.ts';
import { trustOwnServer } from '../app/listen/trust-own.ts';
import { packageVersion } from '../app/package-version.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { addBatchCommands } from './batch-commands.ts';
import { type Called, pathOf } from './command-access.ts';
import { type Run, withCommonOptions, withServer } from './common-options.ts';
import type { CommonOptions } from './context.ts';
import type { GetOptions } from './get-command.ts';
import { addGovernanceCommands } from './governance-commands.ts';
import { withIdentity } from './identity.ts';
import { addIngestCommands } from './ingest-commands.ts';
import { createOutput, EXIT, type Output, reportError, wholeNumber } from './output.ts';
import type { ApplyOptions, PlanOptions } from './plan-commands.ts';
import type { PushOptions } from './push-command.ts';
import type { ServeOptions } from './server-commands.ts';
import { addServingCommands } from './serving-commands.ts';

const FIRST_STEPS = `
A first project:
  asof init shop && cd shop && npm install
  npx asof dev                              and in another terminal
  npx asof push payments payments.ndjson
  npx asof get fraud user=u3

Exit codes:
  0 done    1 failed; the error says why and what to do    2 wrong usage
  3 \`plan\` found changes    4 changes of meaning are refused`;

/** Runs one command line and gives its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const guard: Guard = async (options, work) => {
    const output = createOutput(options.json === true);
    try {
      exitCode = await work(output);
    } catch (error) {
      exitCode = reportError(error, output);
    }
  };
  let called = new Command();
  const run: Run = (action) => (options) =>
    guard(options, async (output) => {
      const folder = options.project ?? '.';
      requireFolder(folder);
      const config = loadConfig(folder, overridesOf(options));
      trustOwnServer(config.listen);
      return withIdentity(config, calledAs(called, config), options, (identified, signed) =>
        action({ config: identified, output, options: signed }),
      );
    });
  const program = createProgram(run, guard).hook('preAction', (_, command) => {
    called = command;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? EXIT.ok : sayUsage(error, argv);
  }
  return exitCode;
}

/** The command line with all its commands. */
export function createProgram(run: Run, guard: Guard): Command {
  const program = new Command('asof')
    .description(
      'Define a feature once; serve it online, train on it without leakage, and prove that both agree.',
    )
    .version(packageVersion())
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('after', FIRST_STEPS);
  addProjectCommands(program, run, guard);
  addServerCommands(program, run);
  addBatchCommands(program, run);
  addGovernanceCommands(program, run);
  addServingCommands(program, run);
  return program;
}

/** What is about to be done, before anything of it is. */
function calledAs(command: Command, { namespaces }: Config): Called {
  const { processedArgs: args } = command;
  return { path: pathOf(command), args, options: command.opts(), namespaces };
}

/** A wrong command line is an error like any other; a bare `asof` has shown its help already. */
function sayUsage(error: CommanderError, argv: readonly string[]): number {
  if (error.code === 'commander.help') return EXIT.usage;
  const [name] = argv;
  const command = name === undefined || name.startsWith('-') ? 'asof' : `asof ${name}`;
  const help = error.code === 'commander.unknownCommand' ? 'asof' : command;
  const [sentence = '', hint = ''] = error.message.replace(/^error: /, '').split('\n');
  const usage = new AsofError('usage', `${command}: ${sentence}. ${hint}`.trim(), {
    remedy: `See \`${help} --help\`.`,
  });
  return reportError(usage, createOutput(argv.includes('--json')));
}

/** Runs a command's work, reports its error and keeps its exit code. */
export type Guard = (
  options: CommonOptions,
  work: (output: Output) => Promise<number>,
) => Promise<void>;

function requireFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new AsofError('file_not_found', `There is no folder ${folder}.`, {
    path: folder,
    remedy: 'Check --project, or run `asof init` for a new one.',
  });
}

function overridesOf(options: CommonOptions & { port?: string; host?: string }): object {
  return {
    dataDir: options.dataDir,
    definitions: options.definitions,
    host: options.host,
    port: options.port === undefined ? undefined : wholeNumber('port', options.port),
  };
}

function command(program: Command, name: string, summary: string): Command {
  return withCommonOptions(program.command(name), summary);
}

function addProjectCommands(program: Command, run: Run, guard: Guard): void {
  program
    .command('init [folder]')
    .description('Write a working project: definitions, sample events, labels, settings.')
    .option('--json', 'print one JSON object as the last line')
    .addHelpText('after', '\nExample:\n  asof init shop && cd shop && npm install && npx asof dev')
    .action((folder: string | undefined, options: CommonOptions) =>
      guard(options, async (output) => {
        const { init } = await import('./init.ts');
        init(folder ?? '.', systemClock, output);
        return EXIT.ok;
      }),
    );
  command(program, 'plan', 'Show what applying the definitions would change; change nothing.')
    .option('--out <file>', 'also write it, for `asof apply --plan <file>`')
    .addHelpText(
      'after',
      '\nExamples:\n  asof plan\n  asof plan --out plan.json && asof apply --plan plan.json\n\n' +
        'Each change is metadata, compatible or breaking, by a rule of docs/compatibility.md, with\n' +
        'what it touches (features, services, models, datasets, dashboards) and what it costs.\n' +
        'Shows too which features share which measures, windows and tiles, and what state a key\n' +
        'can take; with state: { keys } in a view, what all of it can take, beside its budget.\n' +
        'Exit code 0: no change; 3: changes; 4: changes that are refused.',
    )
    .action(
      run<PlanOptions>(async (context) =>
        (await import('./plan-commands.ts')).planCommand(context),
      ),
    );
  command(
    program,
    'apply',
    'Make the definitions the current ones. Meaning never changes in place.',
  )
    .option('--author <name>', 'who applies, for the record', 'command line')
    .option('--plan <file>', 'exactly what `asof plan --out <file>` showed, or nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  asof plan; asof apply --author jan\n  asof apply --plan plan.json\n\n' +
        'A running `asof serve` takes the new definitions over by itself. A name@version keeps\n' +
        'its meaning: raise `version` where the meaning changes, or it is refused (exit code 4).',
    )
    .action(
      run<ApplyOptions>(async (context) =>
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
      '\nExample:\n  asof dev --port 6571\n\n' +
        'Endpoints: POST /v1/events/:source, POST /v1/features, GET /v1/services, /v1/status,\n' +
        '/v1/dead-letters/:source, /v1/sources/:source/lateness, /openapi.json, /metrics,\n' +
        '/healthz, /readyz. Connectors of asof.json read files and Kafka. Ctrl-C stops it.',
    )
    .action(run(async (context) => (await import('./server-commands.ts')).devCommand(context)));
  listening(command(program, 'serve', 'Run what has been applied: ingest, stream and serve.'))
    .option('--workers <number>', 'processes that answer reads on the same port')
    .option('--read-only', 'only answer features, from the online store that a server publishes to')
    .addHelpText(
      'after',
      '\nExamples:\n  asof apply && asof serve --host 0.0.0.0\n  asof serve --workers 4\n' +
        '  asof serve --read-only --port 6580\n\n' +
        'Stops cleanly on SIGINT or SIGTERM: requests end, the state is saved. After a crash it\n' +
        'starts from the newest checkpoint and replays the log behind it; nothing that was\n' +
        'acknowledged is lost. Connectors of asof.json read files and Kafka. What can go wrong,\n' +
        'and what to do: docs/streams-in-production.md. More processes for reads, on this machine\n' +
        'or on others: docs/scaling-reads.md.',
    )
    .action(
      run<ServeOptions>(async (context) =>
        (await import('./server-commands.ts')).serveCommand(context),
      ),
    );
  addPushCommand(program, run);
  addGetCommand(program, run);
  addIngestCommands(program, run);
  addStatusCommand(program, run);
}

function addPushCommand(program: Command, run: Run): void {
  withServer(command(program, 'push <source> [file]', 'Send events (NDJSON or JSON; - is stdin).'))
    .option('--schema <version>', 'the schema version that all rows are of')
    .addHelpText(
      'after',
      '\nExamples:\n  asof push payments payments.ndjson\n  zcat old.gz | asof push payments\n\n' +
        'What is rejected is kept as dead letters with its reason; the rows around it go through.\n' +
        'An event is durable, and in the next answer, once it is reported as accepted.\n' +
        'Exit code 1 if any event was rejected. Duplicates do not count: a push can be repeated.',
    )
    .action((source: string, file: string | undefined, options) =>
      run<PushOptions>(async (context) =>
        (await import('./push-command.ts')).pushCommand(context, source, file ?? '-'),
      )(options),
    );
}

function addGetCommand(program: Command, run: Run): void {
  withServer(command(program, 'get <service> <keys...>', 'Read the features of one entity row.'))
    .option('--model <name@version>', 'hold the answer to what this model registered')
    .addHelpText(
      'after',
      '\nExamples:\n  asof get fraud user=u3\n  asof get late_flight origin=ATL destination=SFO --json\n' +
        '  asof get payment user=u3 amount=10.5\n\n' +
        'Keys, and fields of the request, are written name=value. A value without events is its\n' +
        'declared default, as is one whose row is missing or expired; one with the status error is\n' +
        'null, as it does not fit its type or its declared bound: with --json see statuses, and how\n' +
        'old the answer is in freshness.',
    )
    .action((service: string, keys: string[], options: GetOptions) =>
      run<GetOptions>(async (context) =>
        (await import('./get-command.ts')).getCommand(context, service, keys),
      )(options),
    );
}

function addStatusCommand(program: Command, run: Run): void {
  withServer(
    command(program, 'status', 'Show sources, freshness, state and rejections of a server.'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  asof status\n  asof status --json\n\n' +
        'Also: memory by view, what is saved, ids held, watermarks, buffers that fill up, and\n' +
        'connectors with their problems; --json has all of it. A view is stale if its newest event\n' +
        'is older than its `freshness` declares. See also asof deadletters and asof lateness.',
    )
    .action(run(async (context) => (await import('./status-command.ts')).statusCommand(context)));
}
