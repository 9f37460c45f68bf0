import type { Command } from 'commander';
import { type Run, withCommonOptions, withServer } from './common-options.ts';
import type { RemoteOptions } from './context.ts';
import type { LatenessOptions } from './lateness-command.ts';
import type { ListOptions, ReadmitOptions } from './letters-command.ts';
import type { ExportOptions } from './letters-export.ts';

/** What came in and what did not: dead letters, lateness and drift. */
export function addIngestCommands(program: Command, run: Run): void {
  const letters = program
    .command('deadletters')
    .description('Rejected events: list, count, export, and readmit after a fix.')
    .addHelpText(
      'after',
      '\nExamples:\n  asof deadletters payments\n  asof deadletters count\n' +
        '  asof deadletters export payments --code too_late --out late.parquet\n' +
        '  asof deadletters readmit payments --code unknown_column\n\n' +
        'No rejected event is lost: each is kept with its reason, as it was sent. Every command\n' +
        'takes --json; see asof deadletters export --help and the like.',
    );
  addList(letters, run);
  addCount(letters, run);
  addExport(letters, run);
  addReadmit(letters, run);
  withServer(
    withCommonOptions(
      program.command('lateness [source]'),
      'Show how late events come, and what each allowed lateness would lose.',
    ),
  )
    .option('--at <durations>', 'also count losses at these, such as 90m,2h')
    .addHelpText(
      'after',
      '\nExamples:\n  asof lateness payments --at 2h\n  asof lateness\n\n' +
        'Counted since ever: accepted events, and those that came too late. Choose an\n' +
        'allowedLateness whose losses you can bear; sessions keep their state for as long. It is\n' +
        'part of what the views of the source mean: changing it raises their versions.',
    )
    .action((source: string | undefined, options) =>
      run<LatenessOptions>(async (context) =>
        (await import('./lateness-command.ts')).latenessCommand(context, source ?? null),
      )(options),
    );
  withServer(
    withCommonOptions(
      program.command('drift [source]'),
      'Show how rows differ from what their source declares, and what to declare.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  asof drift payments\n  asof drift\n\n' +
        'Counted since the server has taken the definitions: columns that are unknown, of another\n' +
        'type, or no longer sent, each with a guess and the declaration that would take such rows.\n' +
        'What was refused is in the dead letters; re-admit it once it is declared.',
    )
    .action((source: string | undefined, options) =>
      run<RemoteOptions>(async (context) =>
        (await import('./drift-command.ts')).driftCommand(context, source ?? null),
      )(options),
    );
}

function part(letters: Command, name: string, summary: string, isDefault = false): Command {
  return withServer(withCommonOptions(letters.command(name, { isDefault }), summary));
}

/** Which letters are meant. */
function filtered(command: Command): Command {
  return command
    .option('--code <code>', 'only those rejected for this reason')
    .option('--from <time>', 'only those that came at this time or later, such as 2026-01-31')
    .option('--to <time>', 'only those that came before this time')
    .option('--id <id>', 'only the letter of this id');
}

function addList(letters: Command, run: Run): void {
  filtered(
    part(letters, 'list <source>', 'Show rejected events, the newest first (default).', true),
  )
    .option('--count <number>', 'how many to show', '10')
    .addHelpText(
      'after',
      '\nExamples:\n  asof deadletters list payments --count 3\n' +
        '  asof deadletters list payments --code wrong_type --from 2026-01-31T12:00:00Z',
    )
    .action((source: string, options) =>
      run<ListOptions>(async (context) =>
        (await import('./letters-command.ts')).listCommand(context, source),
      )(options),
    );
}

function addCount(letters: Command, run: Run): void {
  part(letters, 'count [source]', 'Count rejected events by source and reason, since ever.')
    .addHelpText('after', '\nExample:\n  asof deadletters count --json')
    .action((source: string | undefined, options) =>
      run<RemoteOptions>(async (context) =>
        (await import('./letters-command.ts')).countCommand(context, source ?? null),
      )(options),
    );
}

function addExport(letters: Command, run: Run): void {
  filtered(
    part(letters, 'export <source>', 'Write rejected events with reason and text to a file.'),
  )
    .requiredOption('--out <file>', 'where to write (.ndjson, .csv or .parquet)')
    .addHelpText(
      'after',
      '\nExample:\n  asof deadletters export payments --code too_late --out late.parquet\n\n' +
        'Columns: id, arrivalTimeMs, code, column, message, readmitted, raw, connector, place\n' +
        '(file and line, or topic, partition and offset). Bytes that are no UTF-8 are written\n' +
        'as base64: and their base64.',
    )
    .action((source: string, options) =>
      run<ExportOptions>(async (context) =>
        (await import('./letters-export.ts')).exportCommand(context, source),
      )(options),
    );
}

function addReadmit(letters: Command, run: Run): void {
  filtered(part(letters, 'readmit <source>', 'Judge rejected events again, the oldest first.'))
    .addHelpText(
      'after',
      '\nExample:\n  asof deadletters readmit payments --code unknown_column\n\n' +
        'Duplicates are left out unless --code or --id says so: what they repeat was taken.\n' +
        'Exit code 1 if any event was rejected again; it stays a dead letter.',
    )
    .action((source: string, options) =>
      run<ReadmitOptions>(async (context) =>
        (await import('./letters-command.ts')).readmitCommand(context, source),
      )(options),
    );
}
