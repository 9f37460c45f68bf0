import type { Command } from 'commander';
import type { CommonOptions, Context } from './context.ts';

export type Action<O extends CommonOptions> = (context: Context<O>) => Promise<number>;

/** Runs a command's action with its project's settings. */
export type Run = <O extends CommonOptions>(action: Action<O>) => (options: O) => Promise<void>;

export function withCommonOptions(command: Command, summary: string): Command {
  return command
    .description(summary)
    .option('-p, --project <folder>', 'the folder that holds asof.json', '.')
    .option('--data-dir <folder>', 'where events, state and archive live (default .asof)')
    .option('--definitions <file>', 'the definitions file (default features.ts)')
    .option('--token-file <file>', 'who asks, where access control is on (or ASOF_TOKEN)')
    .option('--json', 'print one JSON object as the last line');
}

export function withServer(command: Command): Command {
  return command.option(
    '--url <address>',
    'the server (default: that of the project, http://127.0.0.1:6570)',
  );
}
