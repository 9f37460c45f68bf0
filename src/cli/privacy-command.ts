import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { KeyPlace } from '../app/privacy/key-source.ts';
import { planRotation } from '../app/privacy/plan-rotation.ts';
import { initTokenKey, type KeyStatus, keyStatus, rotateKey } from '../app/privacy/token-keys.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { EXIT, type Output, table } from './output.ts';

export interface GenerateOptions extends CommonOptions {
  readonly out?: string;
}

export interface RotateOptions extends CommonOptions {
  readonly toFile?: string;
  readonly toEnv?: string;
}

const KEY_BYTES = 32;

export async function generateKeyCommand({
  output,
  options,
}: Context<GenerateOptions>): Promise<number> {
  const key = randomBytes(KEY_BYTES).toString('base64url');
  if (options.out === undefined) {
    output.finish({ key }, () => output.say(key));
    return EXIT.ok;
  }
  const path = resolve(options.out);
  try {
    // Never over another key: what that one encrypts would be lost.
    writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new AsofError('usage', `${path} cannot be written, or is there already.`, { cause });
  }
  output.finish({ path }, () => output.say(`${pc.green('✓')} ${path}, for its owner alone`));
  return EXIT.ok;
}

export async function initKeyCommand({ config, output }: Context): Promise<number> {
  const status = await initTokenKey(config);
  output.finish(status, () => {
    output.say(`${pc.green('✓')} the tokenization key is made, check ${status.keyCheck}`);
    output.say(`  encrypted by the key in the ${status.givenFrom}, check ${status.wrappedBy}`);
  });
  return EXIT.ok;
}

/** Exit code 1 where definitions with tokenized columns could not be served now. */
export async function keyStatusCommand({ config, output }: Context): Promise<number> {
  const status = await keyStatus(config);
  output.finish(status, () => sayStatus(output, status));
  return status.usable ? EXIT.ok : EXIT.failed;
}

function sayStatus(output: Output, status: KeyStatus): void {
  const when = (ms: number | null): string => (ms === null ? 'never' : new Date(ms).toISOString());
  const lines = [
    ['tokenization key', status.keyCheck ?? 'none yet', `made ${when(status.createdMs)}`],
    ['encrypted by', status.wrappedBy ?? 'nothing', `since ${when(status.wrappedMs)}`],
    ['given', status.given ?? 'none', status.givenFrom ?? ''],
  ];
  for (const line of table(lines)) output.say(`  ${line}`);
  if (status.problem === null) output.say(`${pc.green('✓')} tokens can be made`);
  else output.say(pc.yellow(status.problem));
}

export async function rotateKeyCommand({
  config,
  output,
  options,
}: Context<RotateOptions>): Promise<number> {
  const status = await rotateKey(config, placeOf(options));
  output.finish(status, () => {
    output.say(`${pc.green('✓')} encrypted by the key with the check ${status.wrappedBy}`);
    output.say(`  no token has changed: the tokenization key is still ${status.keyCheck}`);
    if (status.given !== status.wrappedBy) {
      output.say(pc.yellow('  Give the new key in place of the old one before the next start.'));
    }
  });
  return EXIT.ok;
}

function placeOf({ toFile, toEnv }: RotateOptions): KeyPlace {
  if (toFile !== undefined && toEnv === undefined) return { file: resolve(toFile) };
  if (toEnv !== undefined && toFile === undefined) return { variable: toEnv };
  throw new AsofError('usage', 'Say where the new key is: --to-file or --to-env.');
}

export async function planRotationCommand({ config, output }: Context): Promise<number> {
  const plan = await planRotation(config);
  output.finish(plan, () => {
    const list = (title: string, rows: readonly (readonly string[])[]): void => {
      output.say(pc.bold(`${title}: ${rows.length}`));
      for (const line of table(rows.map((row) => [...row]))) output.say(`  ${line}`);
    };
    const ofSources = plan.sources.map(({ source, columns, rebuilt }) => [
      source,
      columns.join(', '),
      rebuilt,
    ]);
    list('sources, with their log, archive, ids, dead letters and served answers', ofSources);
    const ofViews = plan.views.map(({ view, groups }) => [view, `${groups} tile group(s)`]);
    list('views, with their tiles', ofViews);
    list(
      'services',
      plan.services.map((one) => [one]),
    );
    list(
      'datasets',
      plan.datasets.map((one) => [one]),
    );
    output.say('The key that encrypts the tokenization key can be rotated at any time, and this');
    output.say('cannot be done in place: see "Another tokenization key" in docs/privacy.md.');
  });
  return EXIT.ok;
}
