import { createHash } from 'node:crypto';
import { AsofError } from '../base/errors.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { soundPlan } from '../plan/load.ts';
import { parseJson } from '../schema/json.ts';
import type { AccessFacts } from './access/access-snapshot.ts';
import type { Applied } from './applied.ts';
import type { ChangeKind, Changes } from './changes.ts';
import type { VersionState } from './lifecycle-rows.ts';
import type { Registry } from './registry.ts';
import type { Release } from './releases.ts';
import type { Shadow } from './shadows.ts';
import type { WrappedKey } from './token-keys.ts';

/**
 * What a server works by: all that it asks of the registry, as of one moment, and never changed.
 * Plain data, so that it can be kept in a file.
 */
export interface RegistrySnapshot extends SnapshotParts {
  /** How often each part had changed by then. */
  readonly changes: Changes;
}

interface SnapshotParts {
  /** null before the first apply. */
  readonly applied: Applied | null;
  readonly releases: readonly Release[];
  readonly shadows: readonly Shadow[];
  /** Of every version there ever was: whether it may answer. */
  readonly lifecycle: readonly VersionState[];
  readonly access: AccessFacts;
  /** Encrypted, as the registry has it; null where there is none. */
  readonly tokenKey: WrappedKey | null;
}

/** Which changes make a part another one, and how it is read. */
const PARTS: {
  readonly [K in keyof SnapshotParts]: {
    readonly kinds: readonly ChangeKind[];
    readonly read: (registry: Registry) => Promise<SnapshotParts[K]>;
  };
} = {
  applied: { kinds: ['plan'], read: (registry) => registry.current() },
  releases: { kinds: ['releases'], read: (registry) => registry.releases.current() },
  shadows: { kinds: ['shadows'], read: (registry) => registry.shadows.current() },
  lifecycle: { kinds: ['lifecycle'], read: (registry) => registry.lifecycle.states() },
  access: { kinds: ['access'], read: (registry) => registry.access.facts() },
  tokenKey: { kinds: ['privacy'], read: (registry) => registry.tokenKeys.current() },
};

/** Reads the parts that have changed since `before`; null: all of them. */
export async function readSnapshot(
  registry: Registry,
  before: RegistrySnapshot | null,
): Promise<RegistrySnapshot> {
  return registry.consistently(async (moment) => {
    const changes = await moment.changes();
    const part = async <K extends keyof SnapshotParts>(name: K): Promise<SnapshotParts[K]> => {
      const { kinds, read } = PARTS[name];
      const isSame =
        before !== null && !kinds.some((kind) => differs(before.changes, changes, kind));
      return isSame ? before[name] : read(moment);
    };
    return Object.freeze({
      changes,
      applied: await part('applied'),
      releases: await part('releases'),
      shadows: await part('shadows'),
      lifecycle: await part('lifecycle'),
      access: await part('access'),
      tokenKey: await part('tokenKey'),
    });
  });
}

export function sameChanges(a: Changes, b: Changes): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every((kind) => !differs(a, b, kind));
}

function differs(a: Changes, b: Changes, kind: string): boolean {
  return (a.get(kind) ?? 0) !== (b.get(kind) ?? 0);
}

const FORMAT = 1;

/** A snapshot as the text of a file, of the registry that is named so. */
export function snapshotText(snapshot: RegistrySnapshot, of: string): string {
  const body = canonicalJson({
    ...{ ...snapshot, changes: Object.fromEntries(snapshot.changes) },
    of,
    format: FORMAT,
  });
  return `${JSON.stringify({ sha256: digestOf(body) })}\n${body}\n`;
}

/** Whether a text that was kept is of the registry that is named so; what cannot be read may be. */
export function isSnapshotOf(text: string, name: string): boolean {
  try {
    parseSnapshot(text, name);
    return true;
  } catch (error) {
    return !(error instanceof AsofError && error.message.includes(OTHER_REGISTRY));
  }
}

const OTHER_REGISTRY = ', and not of ';

/**
 * Reads `snapshotText` back; its hash and those of the plan are checked.
 * @throws AsofError `newer_format`, `unreadable_file` if it was cut, altered, or is of another
 * registry
 */
export function parseSnapshot(text: string, of: string): RegistrySnapshot {
  const [head = '', body = ''] = text.split('\n');
  const parsed = parsedIf(head === JSON.stringify({ sha256: digestOf(body) }), body);
  if (parsed.format > FORMAT) {
    throw new AsofError('newer_format', `A snapshot has format ${parsed.format}.`);
  }
  if (parsed.of !== of) throw unreadable(`it is of ${parsed.of}${OTHER_REGISTRY}${of}`);
  const { applied } = parsed;
  return Object.freeze({
    changes: new Map(Object.entries(parsed.changes)),
    applied: applied === null ? null : { ...applied, plan: soundPlan(applied.plan) },
    releases: parsed.releases,
    shadows: parsed.shadows,
    lifecycle: parsed.lifecycle,
    access: parsed.access,
    tokenKey: parsed.tokenKey,
  });
}

type Parsed = SnapshotParts & {
  readonly format: number;
  readonly of: string;
  readonly changes: Readonly<Record<string, number>>;
};

/** What has the right hash is what was written by `snapshotText`. */
function parsedIf(isSound: boolean, body: string): Parsed {
  if (isSound) return parseJson(body) as Parsed;
  throw unreadable('it is not what was written');
}

function unreadable(reason: string): AsofError {
  return new AsofError('unreadable_file', `The kept snapshot cannot be used: ${reason}.`, {
    remedy: 'Start the server once while the registry can be reached.',
  });
}

function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
