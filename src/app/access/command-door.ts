import { systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { AccessSnapshot, type ApiKey } from '../../registry/access/access-snapshot.ts';
import { ACTIONS, type ActionName } from '../../registry/access/policy.ts';
import { NOBODY } from '../../registry/access/principal.ts';
import {
  LOCAL_VIEWER,
  unauthenticated,
  unknownName,
  Viewer,
} from '../../registry/access/viewer.ts';
import type { AuditSink } from '../../registry/audit-entry.ts';
import { accessNote } from '../audit/access-note.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import type { Identity } from './identity.ts';
import { JwtVerifier } from './verify-jwt.ts';

export type { ActionName };

/** A refusal as the audit keeps it. */
export type DeniedNote = Parameters<AuditSink['note']>[0];

/**
 * As whom a command works: whoever the token speaks of, by what the registry says now; nobody in
 * particular while access control is off.
 * @throws AsofError `unauthenticated`
 */
export async function identify(
  config: Config,
  token: string | null,
  onDenied: (note: DeniedNote) => void,
): Promise<Identity> {
  const facts = await withRegistry(config, (registry) => registry.access.facts());
  const snapshot = new AccessSnapshot(facts);
  const tell = { snapshot, token: () => token };
  if (!snapshot.enabled) return { ...tell, viewer: LOCAL_VIEWER };
  const found = await principalOf(config, snapshot, token);
  if ('rejection' in found) {
    onDenied(accessNote(NOBODY.id, 'access.identify', '', found.rejection));
    throw new AsofError('unauthenticated', unauthenticated().message, {
      remedy: 'Put a valid token into ASOF_TOKEN, or its file behind --token-file.',
    });
  }
  const viewer = new Viewer(found.principal, (who, ...said) =>
    onDenied(accessNote(who.id, ...said)),
  );
  return { ...tell, viewer };
}

type Found =
  | { readonly principal: Viewer['principal'] }
  /** For the audit alone. */
  | { readonly rejection: string };

async function principalOf(
  config: Config,
  snapshot: AccessSnapshot,
  token: string | null,
): Promise<Found> {
  if (token === null) return { rejection: 'no_token' };
  if (token.startsWith('asof_')) {
    const check = snapshot.checkKey(token, systemClock.nowMs());
    if (!check.ok) return { rejection: check.rejection };
    await noteUse(config, check.key);
    return { principal: check.principal };
  }
  const check = await new JwtVerifier(config.issuers, systemClock).verify(token);
  if (!check.ok) return { rejection: check.rejection };
  return { principal: snapshot.principalOfClaims(check.claims) };
}

/** At most once a minute; one that cannot be written stops nobody. */
async function noteUse(config: Config, { id, lastUsedMs }: ApiKey): Promise<void> {
  const nowMs = systemClock.nowMs();
  if (lastUsedMs !== null && nowMs - lastUsedMs < LIMITS.keyUseEveryMs) return;
  const uses = new Map([[id, nowMs]]);
  await withRegistry(config, ({ access }) => access.usedKeys(uses)).catch(() => {});
}

/** What a command is about to do: to what it names, or to all that there is. */
export interface CommandUse {
  readonly action: ActionName;
  readonly names: readonly string[] | 'all';
}

/** @throws AsofError `forbidden`, or `unknown_name` of what may not be known of */
export function requireUse({ viewer }: Identity, { action, names }: CommandUse): void {
  if (viewer === LOCAL_VIEWER) return;
  const isAll = names === 'all' || names.length === 0;
  if (ACTIONS[action].where === 'named' && isAll) viewer.requireEverywhere(action);
  else viewer.require(action, names === 'all' ? [] : names, unknownHere);
}

/** `fraud.*` stands for a namespace itself. */
function unknownHere(name: string): AsofError {
  return unknownName(name.endsWith('.*') ? name.slice(0, -2) : name);
}

/** @throws AsofError `forbidden`: commands that nobody declared are nobody's */
export function refuseUndeclared({ viewer }: Identity, command: string): void {
  if (viewer === LOCAL_VIEWER) return;
  throw new AsofError('forbidden', `'asof ${command}' does not say what it does.`);
}
