import { AsofError } from '../../base/errors.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { asStoreError } from './redis-call.ts';
import { messageOf, type RedisLink, type RedisServer } from './redis-link.ts';

/**
 * Looks now and then whether a server drops keys by itself when its memory is full. A row that is
 * not there means an entity without events, so nothing may be published to such a server.
 */
export class RedisPolicy {
  readonly #link: RedisLink;
  readonly #stopwatchMs: () => number;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(link: RedisLink, stopwatchMs: () => number) {
    this.#link = link;
    this.#stopwatchMs = stopwatchMs;
  }

  /** As `refuse`, if the last look is a while ago. */
  async refuseLate(): Promise<void> {
    if (this.#stopwatchMs() - this.#lookedMs >= SERVING_LIMITS.redisPolicyCheckMs) {
      await this.refuse();
    }
  }

  /** @throws AsofError `store_evicts`, `store_unavailable` */
  async refuse(): Promise<void> {
    const servers = await this.#link.masters().catch((error: unknown) => {
      throw asStoreError(error);
    });
    for (const policy of await Promise.all(servers.map(policyOf))) {
      if (policy === null) continue;
      throw new AsofError(
        'store_evicts',
        `Redis has the maxmemory-policy ${policy}, by which it drops rows that are in use.`,
      );
    }
    this.#lookedMs = this.#stopwatchMs();
  }
}

/** By which the server evicts; null where it does not, or does not tell this user. */
async function policyOf(server: RedisServer): Promise<string | null> {
  let text: string;
  try {
    text = String(await server.send(['INFO', 'memory']));
  } catch (error) {
    if (/^NOPERM|unknown command/i.test(messageOf(error))) return null;
    throw asStoreError(error);
  }
  const bound = /^maxmemory:(\d+)/m.exec(text)?.[1] ?? '0';
  const policy = /^maxmemory_policy:(\S+)/m.exec(text)?.[1] ?? 'noeviction';
  return bound === '0' || policy === 'noeviction' ? null : policy;
}
