import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

const READY_MS = 30_000;
const SLOTS = 16_384;

/** @throws Error where there is none */
export function redisProgram(): string {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/local/bin'];
  const found = folders.find((folder) => folder !== '' && existsSync(join(folder, 'redis-server')));
  if (found !== undefined) return join(found, 'redis-server');
  throw new Error('There is no redis-server on this machine: install it, or put it in the PATH.');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  server.close();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('There is no free port.');
}

/** A server of its own, without persistence unless it is told otherwise. */
export class RedisServerProcess {
  readonly port: number;
  readonly folder: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.folder = folder;
    this.#args = args;
  }

  static async start(more: readonly string[] = []): Promise<RedisServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'asof-redis-'));
    const port = await freePort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
    const server = new RedisServerProcess(port, folder, [...args, '--save', '', ...more]);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#child = spawn(redisProgram(), this.#args, { stdio: 'ignore' });
    await until('the server answers', async () => (await this.ask('PING')) === 'PONG');
  }

  /** One command by a connection of its own. */
  async ask(...args: readonly string[]): Promise<unknown> {
    const socket = { host: '127.0.0.1', port: this.port, reconnectStrategy: false as const };
    const client = createClient({ socket });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand([...args]);
    } finally {
      client.destroy();
    }
  }

  /** Holds it still, as a machine that hangs; 'SIGCONT' lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Three masters, and a replica of the first of them. */
export class RedisCluster {
  readonly masters: readonly RedisServerProcess[];
  readonly replica: RedisServerProcess;

  private constructor(masters: readonly RedisServerProcess[], replica: RedisServerProcess) {
    this.masters = masters;
    this.replica = replica;
  }

  static async start(): Promise<RedisCluster> {
    const servers: RedisServerProcess[] = [];
    for (let i = 0; i < 4; i++) {
      const bus = ['--cluster-port', String(await freePort())];
      const timeout = ['--cluster-node-timeout', '1500', '--cluster-require-full-coverage', 'no'];
      const settings = ['--cluster-enabled', 'yes', '--repl-diskless-sync-delay', '0'];
      servers.push(await RedisServerProcess.start([...settings, ...bus, ...timeout]));
    }
    const [first, second, third, replica] = servers as [
      RedisServerProcess,
      RedisServerProcess,
      RedisServerProcess,
      RedisServerProcess,
    ];
    const masters = [first, second, third];
    for (const [i, master] of masters.entries()) {
      const range = [i, i + 1].map((part) => Math.floor((part * SLOTS) / 3));
      const [from = 0, to = 0] = range;
      await master.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      await master.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
    }
    for (const server of servers.slice(1)) await meet(first, server);
    await until('the cluster is whole', async () => {
      const states = await Promise.all(servers.map((one) => one.ask('CLUSTER', 'INFO')));
      return states.every(
        (one) => /cluster_state:ok/.test(String(one)) && /known_nodes:4/.test(String(one)),
      );
    });
    await replica.ask('CLUSTER', 'REPLICATE', String(await first.ask('CLUSTER', 'MYID')));
    await until('the replica follows', async () =>
      /master_link_status:up/.test(String(await replica.ask('INFO', 'replication'))),
    );
    return new RedisCluster(masters, replica);
  }

  get urls(): string[] {
    return this.masters.map((server) => server.url);
  }

  async stop(): Promise<void> {
    for (const server of [...this.masters, this.replica]) await server.stop();
  }
}

async function meet(first: RedisServerProcess, other: RedisServerProcess): Promise<void> {
  const settings = await other.ask('CONFIG', 'GET', 'cluster-port');
  const text = JSON.stringify(settings);
  const bus = /"?cluster-port"?[",:]+(\d+)/.exec(text)?.[1] ?? '0';
  await first.ask('CLUSTER', 'MEET', '127.0.0.1', String(other.port), bus);
}

/** Waits until a condition holds; whatever it throws counts as not yet. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + READY_MS;
  let failure: unknown = null;
  while (Date.now() < endMs) {
    try {
      if (await holds()) return;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: that did not come about in time`, { cause: failure });
}
