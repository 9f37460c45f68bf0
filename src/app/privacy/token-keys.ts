import { randomBytes } from 'node:crypto';
import { systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { TOKEN_KEY_BYTES, Tokenizer } from '../../base/tokenizer.ts';
import { tokenizedColumns } from '../../plan/personal-columns.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { type AuditNote, EVERY_NAMESPACE } from '../../registry/audit.ts';
import type { WrappedKey } from '../../registry/token-keys.ts';
import { viewerOf } from '../access/identity.ts';
import type { Config } from '../config.ts';
import { isAway } from '../registry-follower.ts';
import { keepAnew } from '../registry-world.ts';
import { vacuum } from '../vacuum.ts';
import { registryAddress, withRegistry } from '../with-registry.ts';
import { checkOf, type KeyEncryption, type KeyPlace, keyPlace, openKey } from './key-source.ts';

/** Whether a plan has something to tokenize. */
export function needsTokens(plan: Pick<ProjectPlan, 'sources'>): boolean {
  return plan.sources.some((source) => tokenizedColumns(source).length > 0);
}

/**
 * Makes the tokenization key of a project: random, and kept in the registry encrypted by the key
 * that the settings name. It never changes, or equal ids would no longer have equal tokens.
 * @throws AsofError `token_key_missing`, `token_key_invalid`; `run_conflict` if there is one
 */
export async function initTokenKey(config: Config): Promise<KeyStatus> {
  const encryption = await openKey(requirePlace(config));
  const key = new Uint8Array(randomBytes(TOKEN_KEY_BYTES));
  const nowMs = systemClock.nowMs();
  const made = { ...(await wrapped(encryption, key)), createdMs: nowMs, wrappedMs: nowMs };
  await withRegistry(config, (registry) =>
    registry.transaction(async ({ tokenKeys, audit }) => {
      await tokenKeys.create(made);
      await audit.append(noteOf(config, 'init', made));
    }),
  );
  return keyStatus(config);
}

/**
 * Encrypts the same key with another one. Tokens stay what they are, and servers that run go on; a
 * start from then on needs the new one.
 * @throws AsofError `token_key_missing`, `token_key_invalid`, `token_key_wrong`, `run_conflict`
 */
export async function rotateKey(config: Config, to: KeyPlace): Promise<KeyStatus> {
  const next = await openNewKey(to);
  const before = await storedKey(config);
  // Done before, by a call whose answer was lost.
  if (before.wrappingCheck === next.check) {
    await unwrapped(before, next);
    await dropReplaced(config);
    return keyStatus(config);
  }
  const key = await unwrapped(before, await openKey(requirePlace(config)));
  const made = {
    ...(await wrapped(next, key)),
    ...{ createdMs: before.createdMs, wrappedMs: systemClock.nowMs() },
  };
  await withRegistry(config, (registry) =>
    registry.transaction(async ({ tokenKeys, audit }) => {
      await tokenKeys.rewrap(before, made);
      await audit.append(noteOf(config, 'rotate-key', made));
    }),
  );
  await dropReplaced(config);
  return keyStatus(config);
}

/** A key that is not there yet is to be made, and not looked for as a lost one. */
async function openNewKey(to: KeyPlace): Promise<KeyEncryption> {
  try {
    return await openKey(to);
  } catch (error) {
    if (!(error instanceof AsofError) || error.code !== 'token_key_missing') throw error;
    throw new AsofError(error.code, error.message, {
      ...(error.path === null ? {} : { path: error.path }),
      remedy: 'Make the new key first: `asof privacy generate-key --out new.key`.',
    });
  }
}

/** Free pages, the journal and a kept snapshot would still have the key as the former one opens it. */
async function dropReplaced(config: Config): Promise<void> {
  await keepAnew(config);
  const address = registryAddress(config);
  if (address.kind === 'sqlite') vacuum(address.path);
}

/**
 * @param known what a kept snapshot has, for a server that starts while the registry is away
 * @throws AsofError `token_key_missing`, `token_key_invalid`, `token_key_wrong`
 */
export async function openTokenizer(
  config: Config,
  known: WrappedKey | null = null,
): Promise<Tokenizer> {
  const encryption = await openKey(requirePlace(config));
  const stored = await storedKey(config).catch((error: unknown) => {
    if (known !== null && isAway(error)) return known;
    throw error;
  });
  return new Tokenizer(await unwrapped(stored, encryption), stored.version);
}

/**
 * What makes tokens for a plan, or null where it has nothing to tokenize.
 * @throws AsofError as `openTokenizer`
 */
export async function tokenizerFor(
  config: Config,
  plan: Pick<ProjectPlan, 'sources'>,
): Promise<Tokenizer | null> {
  return needsTokens(plan) ? openTokenizer(config) : null;
}

/** As `tokenizerFor`, for work that may need no ids: without a key it comes as far as it can. */
export async function tokenizerIfAny(
  config: Config,
  plan: Pick<ProjectPlan, 'sources'>,
): Promise<Tokenizer | null> {
  try {
    return await tokenizerFor(config, plan);
  } catch (error) {
    if (error instanceof AsofError && error.code === 'token_key_missing') return null;
    throw error;
  }
}

export interface KeyStatus {
  readonly initialized: boolean;
  readonly keyCheck: string | null;
  /** Check of the key that encrypts it, and of the one that the settings name. */
  readonly wrappedBy: string | null;
  readonly given: string | null;
  readonly givenFrom: string | null;
  /** Whether what is given opens it; what is wrong otherwise. */
  readonly usable: boolean;
  readonly problem: string | null;
  readonly createdMs: number | null;
  readonly wrappedMs: number | null;
  readonly timesWrapped: number;
}

/** Says what is there, whatever is wrong with it. */
export async function keyStatus(config: Config): Promise<KeyStatus> {
  const stored = await withRegistry(config, ({ tokenKeys }) => tokenKeys.current());
  let encryption: KeyEncryption | null = null;
  let problem: string | null = null;
  try {
    encryption = await openKey(requirePlace(config));
    if (stored === null) problem = 'There is no tokenization key yet: run `asof privacy init`.';
    else await unwrapped(stored, encryption);
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    problem = error.message;
  }
  return {
    initialized: stored !== null,
    keyCheck: stored?.keyCheck ?? null,
    wrappedBy: stored?.wrappingCheck ?? null,
    given: encryption?.check ?? null,
    givenFrom: encryption?.where ?? null,
    usable: problem === null,
    problem,
    createdMs: stored?.createdMs ?? null,
    wrappedMs: stored?.wrappedMs ?? null,
    timesWrapped: stored?.wrapping ?? 0,
  };
}

function requirePlace({ privacy }: Config): KeyPlace {
  const place = keyPlace(privacy);
  if (place !== null) return place;
  throw new AsofError('token_key_missing', 'No key is given to make tokens of ids with.');
}

async function storedKey(config: Config): Promise<WrappedKey> {
  const stored = await withRegistry(config, ({ tokenKeys }) => tokenKeys.current());
  if (stored !== null) return stored;
  throw new AsofError('token_key_missing', 'This project has no tokenization key yet.', {
    remedy: 'Run `asof privacy init` once.',
  });
}

function noteOf(config: Config, what: string, { keyCheck, wrappingCheck }: KeyChecks): AuditNote {
  return {
    actor: viewerOf(config).principal.id,
    action: 'privacy.keys',
    namespace: EVERY_NAMESPACE,
    target: 'tokenization key',
    outcome: 'done',
    details: { what, keyCheck, wrappingCheck },
  };
}

type KeyChecks = Pick<WrappedKey, 'keyCheck' | 'wrappingCheck'>;

async function wrapped(encryption: KeyEncryption, key: Uint8Array) {
  return {
    wrapped: await encryption.wrap(key),
    wrappingCheck: encryption.check,
    keyCheck: checkOf(key),
  };
}

async function unwrapped(stored: WrappedKey, encryption: KeyEncryption): Promise<Uint8Array> {
  if (stored.wrappingCheck !== encryption.check) {
    throw new AsofError(
      'token_key_wrong',
      `The key in ${encryption.where} has the check ${encryption.check}; the tokenization key is encrypted by the one with ${stored.wrappingCheck}.`,
    );
  }
  const key = await encryption.unwrap(stored.wrapped);
  if (checkOf(key) === stored.keyCheck) return key;
  throw new AsofError('token_key_wrong', 'The tokenization key in the registry was altered.');
}
