import { readFileSync } from 'node:fs';
import {
  type DeniedNote,
  identify,
  refuseUndeclared,
  requireUse,
} from '../app/access/command-door.ts';
import { noteDenied } from '../app/access/denied-notes.ts';
import { withoutHints } from '../app/access/without-hints.ts';
import type { Config } from '../app/config.ts';
import { AsofError } from '../base/errors.ts';
import { type Called, COMMAND_ACCESS } from './command-access.ts';
import type { CommonOptions } from './context.ts';

/**
 * The one door of all commands: who asks is known, and what the command declares of itself is
 * decided, before any of it is done. Refusals are in the audit when it ends.
 * @param work is given the settings with the identity in them
 * @throws AsofError `unauthenticated`, `forbidden`, `unknown_name`
 */
export async function withIdentity<O extends CommonOptions>(
  config: Config,
  called: Called,
  options: O,
  work: (config: Config, options: O) => Promise<number>,
): Promise<number> {
  const access = Object.hasOwn(COMMAND_ACCESS, called.path)
    ? COMMAND_ACCESS[called.path]
    : undefined;
  const token = tokenOf(options);
  if (access === 'open') return work(config, options);
  const denied: DeniedNote[] = [];
  try {
    if (access === 'server') return await work(await asAsked(config, token), options);
    const identity = await identify(config, token, (note) => denied.push(note));
    if (access === undefined) refuseUndeclared(identity, called.path);
    else requireUse(identity, access(called));
    const { principal } = identity.viewer;
    // Who did it is who was proved to be it: nobody approves what they wrote under another name.
    if (principal.kind === 'local') return await work({ ...config, identity }, options);
    const signed = { ...options, author: principal.id };
    return await work({ ...config, identity }, signed).catch((error: unknown) => {
      throw identity.viewer.readsAll ? error : withoutHints(error);
    });
  } finally {
    await noteDenied(config, denied);
  }
}

/** The server finds out who asks, and decides. */
async function asAsked(config: Config, token: string | null): Promise<Config> {
  const { NO_IDENTITY } = await import('../app/access/identity.ts');
  return { ...config, identity: { ...NO_IDENTITY, token: () => token } };
}

/** From the environment or a file: a flag's value could be seen by everybody on the machine. */
function tokenOf({ tokenFile }: CommonOptions): string | null {
  const text = tokenFile === undefined ? process.env.ASOF_TOKEN : fileText(tokenFile);
  const token = text?.trim() ?? '';
  return token === '' ? null : token;
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AsofError('file_not_found', `The token file ${path} cannot be read.`, {
      path,
      cause,
    });
  }
}
