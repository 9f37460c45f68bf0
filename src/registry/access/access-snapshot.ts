import type { ProjectPlan } from '../../plan/plan.ts';
import { type PartRule, RestrictedParts } from '../../plan/restricted-parts.ts';

export type { AskedLabel, PartRule, RestrictedParts } from '../../plan/restricted-parts.ts';

import { parseApiKey, secretMatches } from './api-key.ts';
import type { Grant, Principal } from './principal.ts';

export interface Identity {
  readonly name: string;
  readonly labels: readonly string[];
  readonly disabled: boolean;
  readonly createdMs: number;
}

export interface ApiKey {
  readonly id: string;
  readonly identity: string;
  readonly hash: string;
  readonly createdMs: number;
  /** null: never. */
  readonly expiresMs: number | null;
  readonly revokedMs: number | null;
  readonly lastUsedMs: number | null;
}

export interface GrantRow extends Grant {
  /** `identity:<name>`, or `claim:<issuer>#<claim>=<value>`. */
  readonly grantee: string;
}

/** All that access control knows, as of one revision. */
export interface AccessFacts {
  readonly enabled: boolean;
  /** Grows with every change but that of `lastUsedMs`. */
  readonly revision: number;
  readonly identities: readonly Identity[];
  readonly keys: readonly ApiKey[];
  readonly grants: readonly GrantRow[];
  readonly rules: readonly PartRule[];
}

/** Why a token is no good: for log and audit, never for whoever sent it. */
export type Rejection =
  | 'malformed'
  | 'unknown_key'
  | 'wrong_secret'
  | 'revoked'
  | 'expired'
  | 'disabled';

export type KeyCheck =
  | { readonly ok: true; readonly principal: Principal; readonly key: ApiKey }
  | { readonly ok: false; readonly rejection: Rejection };

/** What a verified JWT says that grants can name. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  /** `role=analyst`: each value of the claims that the issuer's settings name. */
  readonly values: readonly string[];
  readonly labels: readonly string[];
}

/** Immutable: a door works with one until the next one is there. */
export class AccessSnapshot {
  readonly facts: AccessFacts;
  readonly #keys: ReadonlyMap<string, ApiKey>;
  readonly #identities: ReadonlyMap<string, Identity>;
  readonly #grants = new Map<string, Grant[]>();
  readonly #restricted = new WeakMap<object, RestrictedParts>();

  constructor(facts: AccessFacts) {
    this.facts = facts;
    this.#keys = new Map(facts.keys.map((key) => [key.id, key]));
    this.#identities = new Map(facts.identities.map((one) => [one.name, one]));
    for (const { grantee, namespace, role } of facts.grants) {
      const held = this.#grants.get(grantee) ?? [];
      held.push({ namespace, role });
      this.#grants.set(grantee, held);
    }
  }

  get enabled(): boolean {
    return this.facts.enabled;
  }

  /** The same comparison is made for keys that do not exist, are revoked, or have expired. */
  checkKey(token: string, nowMs: number): KeyCheck {
    const given = parseApiKey(token);
    if (given === null) return { ok: false, rejection: 'malformed' };
    const key = this.#keys.get(given.id) ?? null;
    const matches = secretMatches(given.secret, key?.hash ?? null);
    if (key === null) return { ok: false, rejection: 'unknown_key' };
    if (!matches) return { ok: false, rejection: 'wrong_secret' };
    if (key.revokedMs !== null) return { ok: false, rejection: 'revoked' };
    if (key.expiresMs !== null && key.expiresMs <= nowMs)
      return { ok: false, rejection: 'expired' };
    const principal = this.principalOf(key.identity);
    return principal === null ? { ok: false, rejection: 'disabled' } : { ok: true, principal, key };
  }

  /** A service identity as it is now, or null where there is none, or it is disabled. */
  principalOf(name: string): Principal | null {
    const identity = this.#identities.get(name);
    if (identity === undefined || identity.disabled) return null;
    return {
      id: `key:${name}`,
      kind: 'key',
      grants: this.#grants.get(`identity:${name}`) ?? [],
      labels: identity.labels,
    };
  }

  /** Whoever a verified JWT speaks of: granted to its subject, and to the values of its claims. */
  principalOfClaims({ issuer, subject, values, labels }: Claims): Principal {
    const grantees = [`sub=${subject}`, ...values].map((value) => `claim:${issuer}#${value}`);
    return {
      id: `jwt:${issuer}#${subject}`,
      kind: 'jwt',
      grants: grantees.flatMap((grantee) => this.#grants.get(grantee) ?? []),
      labels,
    };
  }

  /** Which parts of a plan ask for labels; worked out once for a plan. */
  restricted(plan: ProjectPlan): RestrictedParts {
    const known = this.#restricted.get(plan);
    if (known !== undefined) return known;
    const restricted = new RestrictedParts(plan, this.enabled ? this.facts.rules : []);
    this.#restricted.set(plan, restricted);
    return restricted;
  }
}

/** Before anything is known, and of a registry on which access control was never turned on. */
export const ACCESS_OFF = new AccessSnapshot({
  enabled: false,
  revision: 0,
  identities: [],
  keys: [],
  grants: [],
  rules: [],
});
