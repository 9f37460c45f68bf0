import { createHash, timingSafeEqual } from 'node:crypto';

/** Random bytes of a key's secret: 256 bits, so that a plain hash of it cannot be searched. */
export const SECRET_BYTES = 32;
/** Random bytes of a key's public id. */
export const KEY_ID_BYTES = 8;

const FORM = /^asof_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export interface ApiKeyText {
  readonly id: string;
  readonly secret: string;
}

/** `asof_<id>_<secret>`, shown once; only the hash of the secret is kept. */
export function formatApiKey(
  idBytes: Uint8Array,
  secretBytes: Uint8Array,
): ApiKeyText & {
  readonly text: string;
} {
  const id = Buffer.from(idBytes).toString('hex');
  const secret = Buffer.from(secretBytes).toString('base64url');
  return { id, secret, text: `asof_${id}_${secret}` };
}

export function parseApiKey(token: string): ApiKeyText | null {
  const found = FORM.exec(token);
  const [, id, secret] = found ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** What is kept of a secret: its SHA-256, as hex. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** What a secret of an unknown id is compared with: the same work as for a known one. */
const NO_KEY_HASH = '0'.repeat(64);

/**
 * Whether the secret is that of the hash, in a time that tells nothing of either; of an unknown key
 * the hash is null, and the comparison is made all the same.
 */
export function secretMatches(secret: string, hash: string | null): boolean {
  const given = Buffer.from(hashOfSecret(secret), 'hex');
  const kept = Buffer.from(hash ?? NO_KEY_HASH, 'hex');
  const isEqual = kept.length === given.length && timingSafeEqual(given, kept);
  return isEqual && hash !== null;
}
