import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Pause } from '../../base/pause.ts';
import type { IssuerConfig } from './issuers-config.ts';

export type LoadText = (signal: AbortSignal) => Promise<string>;

/**
 * The public keys of an issuer: fetched when they are needed first, kept for some minutes, and
 * fetched again for an unknown one, but not again and again. While they cannot be fetched, those
 * from before go on, for as long as they are known to be good.
 */
export class KeySet {
  readonly #load: LoadText;
  readonly #clock: Clock;
  readonly #pause: Pause;
  #keys: JWTVerifyGetKey | null = null;
  #loadedMs = Number.NEGATIVE_INFINITY;
  #triedMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | null = null;

  constructor(load: LoadText, clock: Clock, pause: Pause) {
    this.#load = load;
    this.#clock = clock;
    this.#pause = pause;
  }

  /** As `jose` asks for the key of a token. */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    const ageMs = this.#clock.nowMs() - this.#loadedMs;
    if (this.#keys === null) await this.#refresh();
    else if (ageMs > LIMITS.jwksFreshMs) await this.#refreshPatiently();
    const keys = this.#keysNow();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!isNoMatch(error)) throw error;
      await this.#refresh();
      return this.#keysNow()(header, token);
    }
  };

  #keysNow(): JWTVerifyGetKey {
    const isGood = this.#clock.nowMs() - this.#loadedMs <= LIMITS.jwksKeptMs;
    if (this.#keys !== null && isGood) return this.#keys;
    throw new Error('the keys of the issuer are not known');
  }

  /** An issuer that hangs must not hold up tokens whose keys are known to be good. */
  async #refreshPatiently(): Promise<void> {
    const patience = new AbortController();
    const waited = this.#pause(LIMITS.jwksPatienceMs, patience.signal).catch(() => {});
    await Promise.race([this.#refresh(), waited]);
    patience.abort();
  }

  /** At most once in a while, and one at a time, however many ask. */
  #refresh(): Promise<void> {
    if (this.#loading !== null) return this.#loading;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#triedMs < LIMITS.jwksPauseMs) return Promise.resolve();
    this.#triedMs = nowMs;
    this.#loading = this.#loadKeys().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #loadKeys(): Promise<void> {
    try {
      const text = await this.#load(AbortSignal.timeout(LIMITS.jwksTimeoutMs));
      this.#keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      this.#loadedMs = this.#clock.nowMs();
    } catch {
      // Those from before go on; without any, the token is refused.
    }
  }
}

function isNoMatch(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY';
}

/** The text of a key set, of a bounded size; redirects are not followed. */
export function keySetText(jwks: IssuerConfig['jwks']): LoadText {
  if ('file' in jwks) {
    return async (signal) => bounded(await readFile(jwks.file, { encoding: 'utf8', signal }));
  }
  return async (signal) => {
    const response = await fetch(jwks.url, { signal, redirect: 'error' });
    if (response.status !== 200 || response.body === null) throw new Error('no key set');
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body) {
      text = bounded(text + decoder.decode(chunk, { stream: true }));
    }
    return text;
  };
}

function bounded(text: string): string {
  if (text.length <= LIMITS.jwksBytes) return text;
  throw new Error('the key set is too large');
}
