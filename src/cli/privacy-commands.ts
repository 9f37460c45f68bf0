import type { Command } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { GenerateOptions, RotateOptions } from './privacy-command.ts';

/** The key that ids of persons become tokens by. */
export function addPrivacyCommands(program: Command, run: Run): void {
  const privacy = program
    .command('privacy')
    .description('The key by which tokenized columns hold tokens instead of ids.');
  withCommonOptions(
    privacy.command('generate-key'),
    'Make a random key that encrypts the tokenization key.',
  )
    .option('--out <file>', 'write it there, readable by its owner alone, instead of showing it')
    .addHelpText('after', '\nExample:\n  asof privacy generate-key --out tokens.key')
    .action((options: GenerateOptions) =>
      run<GenerateOptions>(async (context) =>
        (await import('./privacy-command.ts')).generateKeyCommand(context),
      )(options),
    );
  withCommonOptions(
    privacy.command('init'),
    'Make the tokenization key of this project, once, encrypted by the key that is given.',
  )
    .addHelpText(
      'after',
      '\nExample:\n  ASOF_TOKEN_KEY="$(cat tokens.key)" asof privacy init\n\n' +
        'The key comes from ASOF_TOKEN_KEY, or from privacy.keyFile or privacy.keyCommand of\n' +
        'asof.json. Without it no token can be made again: keep it as you keep your backups.',
    )
    .action(run(async (context) => (await import('./privacy-command.ts')).initKeyCommand(context)));
  withCommonOptions(
    privacy.command('status'),
    'Say which key is there, what encrypts it, and whether the one given opens it.',
  )
    .addHelpText('after', '\nExample:\n  asof privacy status --json')
    .action(
      run(async (context) => (await import('./privacy-command.ts')).keyStatusCommand(context)),
    );
  withCommonOptions(
    privacy.command('rotate-key'),
    'Encrypt the tokenization key by another key; no token changes, servers go on.',
  )
    .option('--to-file <path>', 'the new key, in a file of mode 0600')
    .option('--to-env <name>', 'the new key, in this environment variable')
    .addHelpText(
      'after',
      '\nExample:\n  asof privacy rotate-key --to-file new.key\n\n' +
        'The present key is found as always. Afterwards give the new one in its place.',
    )
    .action((options: RotateOptions) =>
      run<RotateOptions>(async (context) =>
        (await import('./privacy-command.ts')).rotateKeyCommand(context),
      )(options),
    );
  withCommonOptions(
    privacy.command('plan-rotation'),
    'List what holds tokens, if the tokenization key itself had to be another one.',
  )
    .addHelpText('after', '\nExample:\n  asof privacy plan-rotation --json')
    .action(
      run(async (context) => (await import('./privacy-command.ts')).planRotationCommand(context)),
    );
}
