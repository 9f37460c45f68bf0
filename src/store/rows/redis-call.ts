import { AsofError } from '../../base/errors.ts';
import type { Pause } from '../../base/pause.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { FUNCTION_LIBRARY, FUNCTION_NAME, SCRIPT, SCRIPT_SHA } from './redis-function.ts';
import { messageOf, type RedisArgument, type RedisLink } from './redis-link.ts';

export interface RedisFunctionOptions {
  readonly link: RedisLink;
  readonly pause: Pause;
}

/**
 * Calls the store's function: as a Redis Function, which replicas and backups have as well; as a
 * script where functions are not known (before Redis 7) or not allowed to this user.
 */
export class RedisFunction {
  readonly #options: RedisFunctionOptions;
  #isScript = false;
  #loading: Promise<void> | null = null;

  constructor(options: RedisFunctionOptions) {
    this.#options = options;
  }

  /** @throws AsofError `store_unavailable`, `store_full`, `store_timeout` */
  async call(
    slot: number,
    names: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<string> {
    const reply = await this.within(this.#call(slot, names, args));
    if (Buffer.isBuffer(reply)) return reply.toString();
    if (typeof reply === 'string') return reply;
    throw new AsofError(
      'store_unavailable',
      'Redis answered something else than the function does.',
    );
  }

  /** Any other command. */
  async send(slot: number, args: readonly [string, string, ...RedisArgument[]]): Promise<unknown> {
    return this.within(this.#options.link.send(slot, args[1], args, 'master'));
  }

  async #call(
    slot: number,
    names: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<unknown> {
    const { link } = this.#options;
    const [key = ''] = names;
    const rest = [String(names.length), ...names, ...args];
    for (let attempt = 0; ; attempt++) {
      const call = this.#isScript ? ['EVALSHA', SCRIPT_SHA] : ['FCALL', FUNCTION_NAME];
      try {
        return await link.send(slot, key, [...call, ...rest], 'master');
      } catch (error) {
        if (attempt >= 3) throw error;
        const message = messageOf(error);
        if (isNotAllowed(message)) this.#isScript = true;
        else if (/^NOSCRIPT/.test(message)) {
          return await link.send(slot, key, ['EVAL', SCRIPT, ...rest], 'master');
        } else if (/Function not found/i.test(message)) await this.#load();
        // A slot that is on its way to another node.
        else if (/^TRYAGAIN/.test(message)) await this.#options.pause(20 * 2 ** attempt);
        else throw error;
      }
    }
  }

  /** On every server with keys of its own; those that follow them get it from them. */
  #load(): Promise<void> {
    const load = async (): Promise<void> => {
      for (const server of await this.#options.link.masters()) {
        try {
          await server.send(['FUNCTION', 'LOAD', 'REPLACE', FUNCTION_LIBRARY]);
        } catch (error) {
          if (!isNotAllowed(messageOf(error))) throw error;
          this.#isScript = true;
        }
      }
    };
    this.#loading ??= load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** A write has no deadline of its own, but it ends. What it did then shows by the next one. */
  async within<T>(run: Promise<T>): Promise<T> {
    const ended = new AbortController();
    const limit = this.#options.pause(SERVING_LIMITS.redisCommandTimeoutMs, ended.signal);
    const late = limit.then((): never => {
      throw new AsofError('store_timeout', 'Redis did not answer a write in time.');
    });
    late.catch(() => undefined);
    run.catch(() => undefined);
    try {
      return await Promise.race([run, late]);
    } catch (cause) {
      throw cause instanceof AsofError ? cause : asStoreError(cause);
    } finally {
      ended.abort();
    }
  }
}

function isNotAllowed(message: string): boolean {
  return /^NOPERM/.test(message) || /unknown command/i.test(message);
}

export function asStoreError(cause: unknown): AsofError {
  const message = messageOf(cause);
  if (/\bOOM\b/.test(message)) {
    return new AsofError('store_full', 'Redis has no memory left by its maxmemory.', { cause });
  }
  return new AsofError('store_unavailable', `Redis does not work: ${message}`, { cause });
}
