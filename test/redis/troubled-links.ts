import type { Random } from '../../src/base/random.ts';
import type { RedisArgument, RedisLink } from '../../src/store/rows/redis-link.ts';

type Send = RedisLink['send'];

function withSend(link: RedisLink, send: Send): RedisLink {
  return {
    isCluster: link.isCluster,
    send,
    masters: () => link.masters(),
    close: () => link.close(),
  };
}

/** Every command waits for a while of its own, so that commands of others come in between. */
export function slowLink(link: RedisLink, random: Random): RedisLink {
  const wait = (): Promise<void> =>
    random.below(3) === 0
      ? Promise.resolve()
      : new Promise((resolve) => setTimeout(resolve, random.below(4)));
  return withSend(link, async (...command) => {
    await wait();
    const reply = await link.send(...command);
    await wait();
    return reply;
  });
}

/** The last rows of an answer are missing. */
export function halfLink(link: RedisLink): RedisLink {
  return withSend(link, async (slot, key, args, side) => {
    const reply = await link.send(slot, key, args, side);
    return Array.isArray(reply) && reply.length > 2 ? reply.slice(0, -1) : reply;
  });
}

/**
 * Reads that a replica may answer are answered from what its master was at an earlier moment: each
 * slot as a whole, as a replica applies what its master did in order, and each with its own delay.
 */
export function laggingLink(
  link: RedisLink,
  random: Random,
  names: () => Promise<string[]>,
): RedisLink {
  const replicas = new Map<number, Map<string, unknown>>();
  const follow = async (slot: number, control: string): Promise<Map<string, unknown>> => {
    const tag = control.slice(0, control.indexOf('}') + 1);
    const all = [control, ...(await names()).filter((name) => name.startsWith(tag))];
    const reply = await link.send(slot, control, ['MGET', ...all], 'master');
    const values: unknown[] = Array.isArray(reply) ? reply : [];
    return new Map(all.map((name, i) => [name, values[i] ?? null]));
  };
  return withSend(link, async (slot, key, args: readonly RedisArgument[], side) => {
    if (side !== 'any') return link.send(slot, key, args, side);
    let replica = replicas.get(slot);
    if (replica === undefined || random.below(6) === 0) {
      replica = await follow(slot, key);
      replicas.set(slot, replica);
    }
    const state = replica;
    return args.slice(1).map((name) => state.get(String(name)) ?? null);
  });
}
