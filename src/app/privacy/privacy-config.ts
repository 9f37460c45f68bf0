import { resolve } from 'node:path';
import { type Issue, issue } from '../../base/errors.ts';

/** Where the key that encrypts the tokenization key comes from, unless the environment has it. */
export interface PrivacyConfig {
  /** A file that its owner alone can read. */
  readonly keyFile: string | null;
  /** A program and its arguments that prints the key: the command line of a key manager. */
  readonly keyCommand: readonly string[] | null;
}

const NO_PRIVACY: PrivacyConfig = { keyFile: null, keyCommand: null };
const KNOWN = ['keyFile', 'keyCommand'];

/** `privacy` of `asof.json`, and what is wrong with it. */
export function readPrivacy(
  value: unknown,
  folder: string,
): { readonly privacy: PrivacyConfig; readonly issues: readonly Issue[] } {
  if (value === undefined) return { privacy: NO_PRIVACY, issues: [] };
  const wrong = (path: string, text: string, remedy: string) => ({
    privacy: NO_PRIVACY,
    issues: [issue('invalid_config', path, text, remedy)],
  });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return wrong('privacy', 'privacy is no object.', 'Write { "keyFile": "tokens.key" }.');
  }
  const given = new Map<string, unknown>(Object.entries(value));
  for (const name of given.keys()) {
    if (KNOWN.includes(name)) continue;
    // A key has no place in a file that is checked in, so its value is not repeated either.
    const text = `'${name}' is no setting of privacy.`;
    return wrong(`privacy.${name}`, text, `Known: ${KNOWN.join(', ')}.`);
  }
  const keyFile = given.get('keyFile') ?? null;
  if (keyFile !== null && (typeof keyFile !== 'string' || keyFile === '')) {
    return wrong('privacy.keyFile', 'privacy.keyFile is no path.', 'Write a path.');
  }
  const command = given.get('keyCommand') ?? null;
  const isCommand = Array.isArray(command) && command.every((one) => typeof one === 'string');
  if (command !== null && (!isCommand || command.length === 0)) {
    const remedy = 'Write a program and its arguments: ["vault", "kv", "get", …].';
    return wrong('privacy.keyCommand', 'privacy.keyCommand is no list of texts.', remedy);
  }
  const privacy = {
    keyFile: keyFile === null ? null : resolve(folder, keyFile),
    keyCommand: isCommand ? command : null,
  };
  return { privacy, issues: [] };
}
