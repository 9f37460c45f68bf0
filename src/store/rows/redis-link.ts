import { createClient, createCluster, RESP_TYPES } from 'redis';
import { AsofError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';

export type RedisArgument = string | Buffer;

/** Whom a command may be sent to. */
export type RedisSide = 'master' | 'any';

/** The part of a connection to one server, or to a Cluster, that the store needs. */
export interface RedisLink {
  readonly isCluster: boolean;
  /** Sends a command whose keys are all of the slot of `key`; blobs come as bytes. */
  send(
    slot: number,
    key: string,
    args: readonly RedisArgument[],
    side: RedisSide,
  ): Promise<unknown>;
  /** Ways to each server that has keys of its own, for what concerns a whole server. */
  masters(): Promise<readonly RedisServer[]>;
  close(): Promise<void>;
}

export interface RedisServer {
  send(args: readonly RedisArgument[]): Promise<unknown>;
}

export interface RedisLinkOptions {
  /** `redis[s]://[user[:password]@]host[:port][/db]`; of a Cluster some of its nodes. */
  readonly urls: readonly string[];
  readonly isCluster: boolean;
  /** Whether replicas of a Cluster answer reads as well. */
  readonly readsReplicas: boolean;
  /** Instead of those in the addresses. */
  readonly username?: string;
  readonly password?: string;
  /** Of `rediss:` addresses: a certificate authority of one's own, as PEM. */
  readonly tlsCa?: string;
  readonly random: Random;
  /** What goes wrong on connections, without secrets; commands tell it too, as they fail. */
  readonly onError: (message: string) => void;
}

/** Blobs stay bytes. */
const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } as const;

interface NodeClient {
  sendCommand(args: readonly RedisArgument[], options: typeof BYTES): Promise<unknown>;
}

export function openRedisLink(options: RedisLinkOptions): RedisLink {
  const places = options.urls.map(parseRedisUrl);
  const [first] = places;
  if (first === undefined) throw new AsofError('invalid_config', 'A Redis store needs an address.');
  const { username = first.username, password = first.password } = options;
  const tls = first.isTls
    ? { tls: true as const, ...(options.tlsCa === undefined ? {} : { ca: options.tlsCa }) }
    : {};
  const common = {
    RESP: 3 as const,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    // While a connection is away its commands fail at once, and nothing piles up.
    disableOfflineQueue: true,
    commandsQueueMaxLength: SERVING_LIMITS.redisQueueMax,
    maintNotifications: 'disabled' as const,
  };
  const socket = {
    ...tls,
    connectTimeout: SERVING_LIMITS.redisConnectTimeoutMs,
    reconnectStrategy: (retries: number) => reconnectMs(retries, options.random),
  };
  const settings = { common, socket, places };
  return options.isCluster ? clusterLink(options, settings) : singleLink(options, settings);
}

interface LinkSettings {
  readonly common: {
    readonly RESP: 3;
    readonly username?: string;
    readonly password?: string;
    readonly disableOfflineQueue: boolean;
    readonly commandsQueueMaxLength: number;
    readonly maintNotifications: 'disabled';
  };
  readonly socket: {
    readonly tls?: true;
    readonly ca?: string;
    readonly connectTimeout: number;
    readonly reconnectStrategy: (retries: number) => number;
  };
  readonly places: readonly RedisPlace[];
}

function singleLink(
  options: RedisLinkOptions,
  { common, socket, places }: LinkSettings,
): RedisLink {
  const [{ host, port, database }] = places as [RedisPlace];
  const client = createClient({ ...common, database, socket: { ...socket, host, port } });
  client.on('error', (error) => options.onError(messageOf(error)));
  // Fails only when it is closed meanwhile: until then it goes on trying.
  client.connect().catch(() => undefined);
  const node: NodeClient = client;
  const send = (args: readonly RedisArgument[]): Promise<unknown> => node.sendCommand(args, BYTES);
  return {
    isCluster: false,
    send: (_slot, _key, args) => send(args),
    masters: async () => [{ send }],
    close: async () => client.destroy(),
  };
}

function clusterLink(
  options: RedisLinkOptions,
  { common, socket, places }: LinkSettings,
): RedisLink {
  const cluster = createCluster({
    RESP: 3,
    useReplicas: options.readsReplicas,
    rootNodes: places.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: { ...common, socket },
    maxCommandRedirections: 4,
    topologyRefreshOnReconnectionAttemptStrategy: 500,
  });
  cluster.on('error', (error) => options.onError(messageOf(error)));
  cluster.on('node-error', (error) => options.onError(messageOf(error)));
  let connecting: Promise<unknown> | null = null;
  /** Tried again by whoever needs it: where no node is there yet, nothing else would. */
  const connected = (): Promise<unknown> => {
    connecting ??= cluster.connect().finally(() => {
      connecting = null;
    });
    return connecting;
  };
  connected().catch(() => undefined);
  const send = async (
    slot: number,
    key: string,
    args: readonly RedisArgument[],
    side: RedisSide,
  ): Promise<unknown> => {
    if (!cluster.isReady) await connected();
    const shard = cluster.slots[slot];
    const node = side === 'any' ? cluster.getSlotRandomNode(slot) : shard?.master;
    const client: NodeClient | undefined = node?.client;
    const isReadOnly = side === 'any';
    // By way of the client's own routing only where the direct way fails: that looks at every key.
    if (client === undefined) return cluster.sendCommand(key, isReadOnly, [...args], BYTES);
    try {
      return await client.sendCommand(args, BYTES);
    } catch (error) {
      if (!/^(MOVED|ASK) /.test(messageOf(error))) throw error;
      return cluster.sendCommand(key, isReadOnly, [...args], BYTES);
    }
  };
  const masters = async (): Promise<RedisServer[]> => {
    if (!cluster.isReady) await connected();
    return cluster.masters.map((node) => ({
      send: async (args) => {
        const client: NodeClient = await cluster.nodeClient(node);
        return client.sendCommand(args, BYTES);
      },
    }));
  };
  const close = async (): Promise<void> => {
    // Ended in the middle of it, connections would be made that nobody knows of.
    await connecting?.catch(() => undefined);
    if (cluster.isOpen) cluster.destroy();
  };
  return { isCluster: true, send, masters, close };
}

/** Doubled by each attempt up to a bound; those who were cut off together do not come together. */
function reconnectMs(retries: number, random: Random): number {
  const { redisReconnectMs, redisReconnectMaxMs } = SERVING_LIMITS;
  const waitMs = Math.min(redisReconnectMaxMs, redisReconnectMs * 2 ** Math.min(retries, 20));
  return Math.round(waitMs * (0.5 + random.next() / 2));
}

interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** @throws AsofError `invalid_config`, which never quotes the address: it may have a password */
export function parseRedisUrl(text: string): RedisPlace {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    throw new AsofError(
      'invalid_config',
      'An address of Redis has the form redis[s]://[user[:password]@]host[:port][/db].',
    );
  }
  const database = Number(url.pathname.slice(1) || 0);
  if (!Number.isSafeInteger(database) || database < 0) {
    throw new AsofError('invalid_config', 'The database in an address of Redis is a number.');
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 6379),
    database,
    isTls: url.protocol === 'rediss:',
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
