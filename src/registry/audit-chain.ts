import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../plan/canonical.ts';

/** One entry as it is stored: all of its own columns are part of its hash. */
export interface StoredAuditEntry {
  /** 1, 2, 3 and so on, without a gap. */
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly namespace: string;
  readonly target: string;
  readonly outcome: string;
  /** Canonical JSON, as text: not one byte of it can change unseen. */
  readonly details: string;
  /** Which key signs it, by its fingerprint; empty: none does. */
  readonly keyId: string;
  /** Of the entry before; of the first one 64 zeros. */
  readonly prevHash: string;
  readonly hash: string;
}

/** What the hash of an entry is over. */
type Hashed = Omit<StoredAuditEntry, 'hash' | 'prevHash'>;

/** What stands before the first entry. */
export const GENESIS = '0'.repeat(64);

/** The newest entry: what is to be kept elsewhere. */
export interface AuditHead {
  /** 0 before the first entry. */
  readonly seq: number;
  readonly hash: string;
}

/** Keys that sign entries; the first one signs, the others verify what it followed. */
export class AuditKeys {
  readonly #keys: ReadonlyMap<string, string>;
  /** Of the key that signs; empty without one. */
  readonly signingId: string;

  /** @param keys secrets, the present one first; none for a chain that anybody can compute */
  constructor(keys: readonly string[]) {
    this.#keys = new Map(keys.map((key) => [fingerprint(key), key]));
    this.signingId = keys[0] === undefined ? '' : fingerprint(keys[0]);
  }

  knows(keyId: string): boolean {
    return keyId === '' || this.#keys.has(keyId);
  }

  /**
   * `SHA-256(prevHash ‖ canonical JSON of the entry)`, keyed by HMAC where a key signs; null where
   * that key is not known.
   */
  hash(prevHash: string, entry: Hashed): string | null {
    const { seq, atMs, actor, action, namespace, target, outcome, details, keyId } = entry;
    const text = canonicalJson({
      ...{ seq, atMs, actor, action, namespace, target, outcome, details, keyId },
    });
    if (keyId === '') return createHash('sha256').update(prevHash).update(text).digest('hex');
    const key = this.#keys.get(keyId);
    if (key === undefined) return null;
    return createHmac('sha256', key).update(prevHash).update(text).digest('hex');
  }
}

/** Of a chain that anybody who can write the database can compute anew. */
export const UNSIGNED = new AuditKeys([]);

/** Names a key without telling anything of it. */
function fingerprint(key: string): string {
  return createHash('sha256').update('asof audit key\0').update(key).digest('hex').slice(0, 16);
}

export function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
