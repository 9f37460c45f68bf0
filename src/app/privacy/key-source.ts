import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { AsofError } from '../../base/errors.ts';
import { openSealed, seal } from '../../base/seal.ts';
import { derivedKey } from '../../base/tokenizer.ts';
import type { PrivacyConfig } from './privacy-config.ts';

/** The environment variable that holds the key, as base64url. */
export const KEY_VARIABLE = 'ASOF_TOKEN_KEY';

const SECRET_BYTES = 32;
/** Fewer different bytes than any random key has: a password, or zeros. */
const DIFFERENT_BYTES = 16;
const CONTEXT = 'asof tokenization key';
const COMMAND_MS = 10_000;

/**
 * What encrypts the tokenization key: the port to wherever an organization keeps its keys. A key
 * manager that never gives its key away implements it by calls of its own.
 */
export interface KeyEncryption {
  /** For people: `the environment variable ASOF_TOKEN_KEY`. */
  readonly where: string;
  /** Tells this key from others, and says nothing of it. */
  readonly check: string;
  wrap(key: Uint8Array): Promise<string>;
  /** @throws AsofError `token_key_wrong` */
  unwrap(wrapped: string): Promise<Uint8Array>;
}

/** Where a key is to be read from. */
export type KeyPlace =
  | { readonly variable: string }
  | { readonly file: string }
  | { readonly command: readonly string[] };

/** The place that a project's settings name; the environment comes first. Null: none does. */
export function keyPlace(
  { keyFile, keyCommand }: PrivacyConfig,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): KeyPlace | null {
  if ((environment[KEY_VARIABLE] ?? '') !== '') return { variable: KEY_VARIABLE };
  if (keyFile !== null) return { file: keyFile };
  return keyCommand === null ? null : { command: keyCommand };
}

/** @throws AsofError `token_key_missing`, `token_key_invalid`; never with a word of the key */
export async function openKey(
  place: KeyPlace,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<KeyEncryption> {
  const where = placeText(place);
  const text = await readKey(place, where, environment);
  return localEncryption(secretOf(text, where), where);
}

async function readKey(
  place: KeyPlace,
  where: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if ('variable' in place) {
    const text = environment[place.variable] ?? '';
    if (text !== '') return text;
    throw new AsofError('token_key_missing', `There is no key in ${where}.`);
  }
  if ('file' in place) return readKeyFile(place.file, where);
  const [program = '', ...args] = place.command;
  try {
    const options = { timeout: COMMAND_MS, maxBuffer: 65_536 };
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch {
    // What it wrote may hold the key, so nothing of it is passed on.
    throw new AsofError('token_key_missing', `No key came from ${where}: it failed.`);
  }
}

function readKeyFile(path: string, where: string): string {
  let mode: number;
  try {
    ({ mode } = statSync(path));
  } catch {
    throw new AsofError('token_key_missing', `There is no ${where}.`, { path });
  }
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new AsofError('token_key_invalid', `Others may read ${where}: its mode is ${shown}.`, {
      path,
      remedy: `Run chmod 0600 ${path}; if others could read it, put another key in its place.`,
    });
  }
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new AsofError('token_key_missing', `The ${where} cannot be read.`, { path });
  }
}

function secretOf(text: string, where: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, 'base64url');
  const isText = /^[A-Za-z0-9_-]+$/.test(trimmed) && bytes.toString('base64url') === trimmed;
  if (isText && bytes.length >= SECRET_BYTES && new Set(bytes).size >= DIFFERENT_BYTES) {
    return new Uint8Array(bytes);
  }
  const message = `What is in ${where} are not ${SECRET_BYTES} random bytes or more as base64url.`;
  throw new AsofError('token_key_invalid', message, {
    remedy: 'Make one by `asof privacy generate-key`.',
  });
}

function localEncryption(secret: Uint8Array, where: string): KeyEncryption {
  const key = derivedKey(secret, 'asof key encryption');
  return {
    where,
    check: checkOf(secret),
    wrap: async (plain) => seal(key, plain, CONTEXT),
    unwrap: async (wrapped) => openSealed(key, wrapped, CONTEXT),
  };
}

/** 48 bits that tell a key from others. */
export function checkOf(key: Uint8Array): string {
  return Buffer.from(derivedKey(key, 'asof key check')).toString('base64url', 0, 6);
}

function placeText(place: KeyPlace): string {
  if ('variable' in place) return `environment variable ${place.variable}`;
  return 'file' in place ? `file ${place.file}` : `command ${place.command[0]}`;
}
