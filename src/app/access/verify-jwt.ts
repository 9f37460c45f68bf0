import { decodeJwt, errors, jwtVerify } from 'jose';
import type { Clock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { pause } from '../../base/pause.ts';
import type { Claims } from '../../registry/access/access-snapshot.ts';
import type { IssuerConfig } from './issuers-config.ts';
import { KeySet, keySetText } from './key-set.ts';

export type JwtCheck =
  | { readonly ok: true; readonly claims: Claims; readonly expiresMs: number }
  /** For log and audit, never for whoever sent it. */
  | { readonly ok: false; readonly rejection: string };

/** Verifies JWTs of the issuers that are configured, by their published keys. */
export class JwtVerifier {
  readonly #issuers = new Map<string, { readonly config: IssuerConfig; readonly keys: KeySet }>();
  readonly #clock: Clock;

  constructor(issuers: readonly IssuerConfig[], clock: Clock) {
    this.#clock = clock;
    for (const config of issuers) {
      const keys = new KeySet(keySetText(config.jwks), clock, pause);
      this.#issuers.set(config.issuer, { config, keys });
    }
  }

  /** Never throws: whatever is wrong with a token, it is refused. */
  async verify(token: string): Promise<JwtCheck> {
    try {
      const found = this.#issuers.get(String(decodeJwt(token).iss));
      if (found === undefined) return { ok: false, rejection: 'unknown_issuer' };
      const { config, keys } = found;
      const { payload } = await jwtVerify(token, keys.keyOf, {
        issuer: config.issuer,
        audience: [...config.audience],
        algorithms: [...config.algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: LIMITS.tokenSkewMs / 1000,
        currentDate: new Date(this.#clock.nowMs()),
      });
      const { sub, exp } = payload;
      if (typeof sub !== 'string' || sub === '' || typeof exp !== 'number') {
        return { ok: false, rejection: 'no_subject' };
      }
      const claims = {
        issuer: config.issuer,
        subject: sub,
        values: config.claims.roles.flatMap((name) =>
          valuesOf(payload[name]).map((value) => `${name}=${value}`),
        ),
        labels: config.claims.labels.flatMap((name) => valuesOf(payload[name])),
      };
      return { ok: true, claims, expiresMs: exp * 1000 + LIMITS.tokenSkewMs };
    } catch (error) {
      return { ok: false, rejection: error instanceof errors.JOSEError ? error.code : 'malformed' };
    }
  }
}

/** A claim is a text, a list of texts, or words with spaces between, as `scope` is. */
function valuesOf(claim: unknown): string[] {
  const list: readonly unknown[] = typeof claim === 'string' ? claim.split(' ') : listOf(claim);
  return list
    .filter((one) => typeof one === 'string' && one !== '')
    .slice(0, LIMITS.tokenValues)
    .map(String);
}

function listOf(claim: unknown): readonly unknown[] {
  return Array.isArray(claim) ? claim : [];
}
