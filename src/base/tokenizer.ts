import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { LIMITS } from './limits.ts';
import { openSealed, seal } from './seal.ts';

/** Bytes of the random key that tokens are made with. */
export const TOKEN_KEY_BYTES = 32;

/** Of an HMAC-SHA256 so many bytes are kept: two of 2^40 ids share a token with chance 2^-49. */
const TOKEN_BYTES = 16;

const TOKEN = /^t[1-9]\d{0,3}\.[A-Za-z0-9_-]{22}$/;

/** The same in DuckDB's regular expressions, for `regexp_full_match`. */
export const TOKEN_SQL_PATTERN = 't[1-9][0-9]{0,3}\\.[A-Za-z0-9_-]{22}';

/** Whether a text has the form of a token: then it is one, wherever it is read. */
export function isToken(text: string): boolean {
  return text.length > 24 && text.charCodeAt(0) === 0x74 && TOKEN.test(text);
}

/**
 * Replaces ids by keyed hashes, `t1.` and 22 characters: equal ids of one domain have equal tokens,
 * and without the key nobody can go back, not even by trying every id. A domain is a namespace, so
 * tokens of two namespaces say nothing of each other.
 */
export class Tokenizer {
  readonly #key: Uint8Array;
  readonly #prefix: string;
  readonly #domains = new Map<string, Domain>();
  readonly #sealing = new Map<string, Uint8Array>();

  /** @param key `TOKEN_KEY_BYTES` random bytes; `version` is that of the key, from 1 */
  constructor(key: Uint8Array, version = 1) {
    this.#key = Uint8Array.from(key);
    this.#prefix = `t${version}.`;
  }

  /** The token of an id, whatever the id looks like; no id at all stays none (semantics §1). */
  token(domain: string, id: string): string {
    if (id === '') return '';
    const { key, known } = this.#domain(domain);
    const isShort = id.length <= LIMITS.cachedTokenChars;
    const before = isShort ? known.get(id) : undefined;
    if (before !== undefined) return before;
    const digest = createHmac('sha256', key).update(id).digest();
    const token = this.#prefix + digest.toString('base64url', 0, TOKEN_BYTES);
    if (!isShort) return token;
    if (known.size >= LIMITS.cachedTokens) known.clear();
    known.set(id, token);
    return token;
  }

  /** For readers: what has the form of a token is one already, since the door takes no such id. */
  tokenOf(domain: string, id: string): string {
    return isToken(id) ? id : this.token(domain, id);
  }

  /** Encrypts what has no columns to replace, for one purpose. */
  seal(purpose: string, bytes: Uint8Array): string {
    return seal(this.#sealingKey(purpose), bytes, purpose);
  }

  /** @throws AsofError `token_key_wrong` for what was sealed with another key, or was altered */
  open(purpose: string, sealed: string): Uint8Array {
    return openSealed(this.#sealingKey(purpose), sealed, purpose);
  }

  #domain(name: string): Domain {
    const known = this.#domains.get(name);
    if (known !== undefined) return known;
    // A key object is prepared once: with plain bytes a token would cost five times as much.
    const key = createSecretKey(derivedKey(this.#key, `asof token ${name}`));
    const domain = { key, known: new Map<string, string>() };
    this.#domains.set(name, domain);
    return domain;
  }

  #sealingKey(purpose: string): Uint8Array {
    const known = this.#sealing.get(purpose) ?? derivedKey(this.#key, `asof seal ${purpose}`);
    this.#sealing.set(purpose, known);
    return known;
  }
}

interface Domain {
  readonly key: KeyObject;
  /** Ids repeat; a full map starts again from nothing. */
  readonly known: Map<string, string>;
}

/** HKDF-SHA256: keys for two uses say nothing of each other. */
export function derivedKey(key: Uint8Array, use: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), use, 32));
}
