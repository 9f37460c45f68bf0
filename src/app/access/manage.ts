import { randomBytes } from 'node:crypto';
import { systemClock } from '../../base/clock.ts';
import { durationMs } from '../../base/duration.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { By } from '../../registry/access/access-book.ts';
import {
  type AccessFacts,
  AccessSnapshot,
  type ApiKey,
  type GrantRow,
  type Identity,
  type PartRule,
} from '../../registry/access/access-snapshot.ts';
import {
  formatApiKey,
  hashOfSecret,
  KEY_ID_BYTES,
  SECRET_BYTES,
} from '../../registry/access/api-key.ts';
import { type Decision, decide } from '../../registry/access/policy.ts';
import { type Principal, ROLES, type Role } from '../../registry/access/principal.ts';
import type { Registry } from '../../registry/registry.ts';
import { NAME_PATTERN, namespaceOf } from '../../schema/types.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import { viewerOf } from './identity.ts';

export type { AccessFacts, Decision, GrantRow, Identity, PartRule, Principal };

const IDENTITY_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/;
const LABEL_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.:-]{0,63}$/;

/** A key as it is shown, this one time. */
export interface ShownKey {
  readonly identity: string;
  readonly id: string;
  readonly key: string;
  readonly expiresMs: number | null;
}

/** One change, with its line in the audit: both, or neither. */
async function change(
  config: Config,
  action: string,
  target: string,
  details: Readonly<Record<string, unknown>>,
  work: (registry: Registry, by: By) => Promise<void>,
  namespace = '*',
): Promise<void> {
  const by = { actor: viewerOf(config).principal.id, nowMs: systemClock.nowMs() };
  await withRegistry(config, (registry) =>
    registry.transaction(async (within) => {
      await work(within, by);
      const note = {
        actor: by.actor,
        action,
        namespace,
        target,
        outcome: 'done',
        details,
      } as const;
      await within.audit.append(note);
    }),
  );
}

/** Turns access control on. @throws AsofError `run_conflict` if it is on */
export async function enableAccess(config: Config, admin: string): Promise<ShownKey> {
  checkName(IDENTITY_PATTERN, 'an identity', admin);
  const { shown, row } = newKey(admin, null);
  await change(config, 'access.enable', `identity ${admin}`, { key: shown.id }, (registry, by) =>
    registry.access.enable(admin, row, by),
  );
  return shown;
}

export async function addIdentity(
  config: Config,
  name: string,
  labels: readonly string[],
): Promise<void> {
  checkName(IDENTITY_PATTERN, 'an identity', name);
  for (const label of labels) checkName(LABEL_PATTERN, 'a label', label);
  await change(config, 'access.identity.add', `identity ${name}`, { labels }, (registry, by) =>
    registry.access.addIdentity(name, labels, by),
  );
}

export async function changeIdentity(
  config: Config,
  name: string,
  what: { readonly disabled?: boolean; readonly labels?: readonly string[] },
): Promise<void> {
  for (const label of what.labels ?? []) checkName(LABEL_PATTERN, 'a label', label);
  await change(config, 'access.identity.change', `identity ${name}`, what, (registry, by) =>
    registry.access.setIdentity(name, what, by),
  );
}

/** @param expiresIn a duration such as `90d`; null: it never expires */
export async function createKey(
  config: Config,
  identity: string,
  expiresIn: string | null,
): Promise<ShownKey> {
  const { shown, row } = newKey(identity, expiresIn);
  const details = { key: shown.id, expiresMs: shown.expiresMs };
  await change(config, 'access.key.create', `identity ${identity}`, details, (registry, by) =>
    registry.access.addKey(row, by),
  );
  return shown;
}

/** A new key; those before stay good for the overlap, so that nothing stops meanwhile. */
export async function rotateKey(
  config: Config,
  identity: string,
  expiresIn: string | null,
  overlap: string | null,
): Promise<ShownKey & { readonly beforeUntilMs: number }> {
  const overlapMs = overlap === null ? LIMITS.keyOverlapMs : durationMs(overlap);
  const untilMs = systemClock.nowMs() + overlapMs;
  const { shown, row } = newKey(identity, expiresIn);
  const details = { key: shown.id, expiresMs: shown.expiresMs, beforeUntilMs: untilMs };
  await change(config, 'access.key.rotate', `identity ${identity}`, details, (registry, by) =>
    registry.access.rotateKey(row, untilMs, by),
  );
  return { ...shown, beforeUntilMs: untilMs };
}

export async function revokeKey(config: Config, id: string): Promise<void> {
  await change(config, 'access.key.revoke', `key ${id}`, {}, (registry, by) =>
    registry.access.revokeKey(id, by),
  );
}

export async function grant(config: Config, row: GrantRow): Promise<void> {
  const { grantee, namespace, role } = row;
  await change(
    config,
    'access.grant',
    grantee,
    { namespace, role },
    (registry, by) => registry.access.grant(row, by),
    namespace,
  );
}

export async function revokeGrant(config: Config, row: GrantRow): Promise<void> {
  const { grantee, namespace, role } = row;
  await change(
    config,
    'access.revoke',
    grantee,
    { namespace, role },
    (registry, by) => registry.access.revoke(row, by),
    namespace,
  );
}

export async function changeRule(
  config: Config,
  verb: 'add' | 'remove',
  rule: PartRule,
): Promise<void> {
  checkName(LABEL_PATTERN, 'a label', rule.label);
  await change(
    config,
    `access.rule.${verb}`,
    `${rule.kind} ${rule.definition}.${rule.part}`,
    { label: rule.label },
    ({ access }, by) => (verb === 'add' ? access.addRule(rule, by) : access.removeRule(rule, by)),
    namespaceOf(rule.definition),
  );
}

/** A key as it may be shown later: of its secret there is nothing. */
export type ListedKey = Omit<ApiKey, 'hash'>;

export interface AccessOverview extends Omit<AccessFacts, 'keys'> {
  readonly keys: readonly ListedKey[];
}

/** What the one who asks may know of it: of grants and rules, those of namespaces they administer. */
export async function readAccess(config: Config): Promise<AccessOverview> {
  const facts = await withRegistry(config, (registry) => registry.access.facts());
  const viewer = viewerOf(config);
  const administers = (namespace: string): boolean => viewer.has('admin', namespace);
  return {
    ...facts,
    keys: facts.keys.map(({ hash: _, ...key }) => key),
    grants: facts.grants.filter(({ namespace }) => administers(namespace)),
    rules: facts.rules.filter(({ definition }) => administers(namespaceOf(definition))),
  };
}

/** What the policy says of somebody, and why. @throws AsofError `unknown_name` of an identity */
export async function explainAccess(
  config: Config,
  as: string,
  action: string,
  name: string | null,
): Promise<{ readonly principal: Principal; readonly decision: Decision }> {
  const facts = await withRegistry(config, (registry) => registry.access.facts());
  const principal = new AccessSnapshot(facts).principalOf(as);
  if (principal === null) {
    throw new AsofError('unknown_name', `There is no identity '${as}', or it is disabled.`, {
      path: as,
      remedy: 'See `asof access identity list`.',
    });
  }
  const namespaces = name === null ? [] : [namespaceOf(name)];
  return { principal, decision: decide(principal, action, { namespaces }) };
}

/** `checkout`, or `claim:https://issuer#groups=analysts`. @throws AsofError `usage` */
export function parseGrant(grantee: string, role: string, namespace: string): GrantRow {
  const isClaim = /^claim:[^\s#]+#[^\s=]+=.+$/.test(grantee);
  if (!isClaim) checkName(IDENTITY_PATTERN, 'an identity', grantee);
  const known = ROLES.find((one): one is Role => one === role);
  if (known === undefined) {
    throw new AsofError('usage', `'${role}' is no role.`, {
      remedy: `One of ${ROLES.join(', ')}.`,
    });
  }
  if (namespace !== '*') checkName(NAME_PATTERN, 'a namespace', namespace);
  return { grantee: isClaim ? grantee : `identity:${grantee}`, role: known, namespace };
}

/** @param text `fraud.payments.amount`: what stands behind the last dot is the part */
export function parseRule(kind: PartRule['kind'], text: string, label: string): PartRule {
  const dot = text.lastIndexOf('.');
  const [definition, part] = [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)];
  const isNamed = /^([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*$/.test(definition);
  if (!isNamed || !NAME_PATTERN.test(part)) {
    const form = kind === 'column' ? 'source.column' : 'view.feature';
    throw new AsofError('usage', `'${text}' is not of the form namespace.${form}.`);
  }
  return { kind, definition, part, label };
}

function newKey(
  identity: string,
  expiresIn: string | null,
): {
  readonly shown: ShownKey;
  readonly row: Omit<ApiKey, 'createdMs' | 'revokedMs' | 'lastUsedMs'>;
} {
  const { id, secret, text } = formatApiKey(randomBytes(KEY_ID_BYTES), randomBytes(SECRET_BYTES));
  const expiresMs = expiresIn === null ? null : systemClock.nowMs() + durationMs(expiresIn);
  return {
    shown: { identity, id, key: text, expiresMs },
    row: { id, identity, hash: hashOfSecret(secret), expiresMs },
  };
}

function checkName(pattern: RegExp, what: string, name: string): void {
  if (pattern.test(name)) return;
  throw new AsofError('invalid_name', `'${name}' cannot be the name of ${what}.`, { path: name });
}

export async function whoAmI(
  config: Config,
): Promise<{ readonly principal: Principal; readonly enabled: boolean }> {
  const { enabled } = await withRegistry(config, (registry) => registry.access.facts());
  return { principal: viewerOf(config).principal, enabled };
}
