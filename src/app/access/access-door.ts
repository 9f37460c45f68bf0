import { hash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { AccessDoor } from '../../http/access-door.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type {
  AccessSnapshot,
  Claims,
  RestrictedParts,
} from '../../registry/access/access-snapshot.ts';
import type { Principal } from '../../registry/access/principal.ts';
import {
  LOCAL_VIEWER,
  type OnDenied,
  unauthenticated,
  Viewer,
} from '../../registry/access/viewer.ts';
import type { JwtVerifier } from './verify-jwt.ts';

const SCHEME = /^bearer +([^ ]+)$/i;

export interface DoorOptions {
  readonly snapshot: AccessSnapshot;
  readonly jwts: JwtVerifier;
  readonly clock: Clock;
  /** Of the definitions in use. */
  readonly plan: () => ProjectPlan;
  /** Somebody brought a token that is no good; the reason is for log and audit alone. */
  readonly onRejected: (reason: string) => void;
  readonly onDenied: OnDenied;
}

interface Known {
  readonly viewer: Viewer;
  readonly untilMs: number;
  /** Of an API key, to note its use. */
  readonly keyId: string | null;
}

/** Who asks, from tokens alone: verified once, and remembered until something of them changes. */
export class TokenDoor implements AccessDoor {
  readonly #options: DoorOptions;
  readonly #known = new Map<string, Known>();
  readonly #usedMs = new Map<string, number>();
  #snapshot: AccessSnapshot;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#snapshot = options.snapshot;
  }

  get enabled(): boolean {
    return this.#snapshot.enabled;
  }

  /** From the next request on by what is known now: revoked keys, changed grants. */
  use(snapshot: AccessSnapshot): void {
    this.#snapshot = snapshot;
    this.#known.clear();
  }

  known(authorization: string | undefined): Viewer | undefined {
    if (!this.#snapshot.enabled) return LOCAL_VIEWER;
    if (authorization === undefined || authorization.length > LIMITS.identityTokenLength) return;
    const id = hashOf(authorization);
    const known = this.#known.get(id);
    if (known === undefined) return;
    const nowMs = this.#options.clock.nowMs();
    if (known.untilMs <= nowMs) {
      this.#known.delete(id);
      return;
    }
    if (known.keyId !== null) this.#usedMs.set(known.keyId, nowMs);
    return known.viewer;
  }

  async identify(authorization: string | undefined): Promise<Viewer> {
    const known = this.known(authorization);
    if (known !== undefined) return known;
    const token = tokenOf(authorization);
    if (authorization === undefined || token === null) throw this.#rejected('no_token');
    const snapshot = this.#snapshot;
    const found = await this.#verified(token);
    // What was verified meanwhile by an older snapshot is not remembered.
    if (snapshot === this.#snapshot) this.#remember(hashOf(authorization), found);
    return found.viewer;
  }

  restricted(): RestrictedParts {
    return this.#snapshot.restricted(this.#options.plan());
  }

  models(): ProjectPlan['models'] {
    return this.#options.plan().models;
  }

  /** When keys were used since the last time this was asked. */
  takeUses(): ReadonlyMap<string, number> {
    const uses = new Map(this.#usedMs);
    this.#usedMs.clear();
    return uses;
  }

  async #verified(token: string): Promise<Known> {
    const nowMs = this.#options.clock.nowMs();
    if (token.startsWith('asof_')) {
      const check = this.#snapshot.checkKey(token, nowMs);
      if (!check.ok) throw this.#rejected(check.rejection);
      const { key, principal } = check;
      this.#usedMs.set(key.id, nowMs);
      const untilMs = key.expiresMs ?? Number.POSITIVE_INFINITY;
      return { viewer: this.#viewer(principal), untilMs, keyId: key.id };
    }
    const check = await this.#options.jwts.verify(token);
    if (!check.ok) throw this.#rejected(check.rejection);
    return {
      viewer: this.#viewer(this.#principalOf(check.claims)),
      untilMs: check.expiresMs,
      keyId: null,
    };
  }

  #principalOf(claims: Claims): Principal {
    return this.#snapshot.principalOfClaims(claims);
  }

  #viewer(principal: Principal): Viewer {
    return new Viewer(principal, this.#options.onDenied);
  }

  #remember(id: string, known: Known): void {
    if (this.#known.size >= LIMITS.cachedIdentities) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(id, known);
  }

  /** One and the same answer for all that can be wrong with a token. */
  #rejected(reason: string): AsofError {
    this.#options.onRejected(reason);
    return unauthenticated();
  }
}

/** Tokens themselves are held nowhere. */
function hashOf(authorization: string): string {
  return hash('sha256', authorization, 'base64');
}

function tokenOf(authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length > LIMITS.identityTokenLength) return null;
  return SCHEME.exec(authorization)?.[1] ?? null;
}
