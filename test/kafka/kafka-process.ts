import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const REPOSITORY = process.env.ASOF_MAVEN ?? 'https://repo.maven.apache.org/maven2';
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk';
const START_TIMEOUT_MS = 60_000;

/** `group:artifact:version sha1`, one a line: all that a broker of this version needs. */
const JARS = readFileSync(join(import.meta.dirname, 'broker-jars.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Fetches the broker's jars into a folder, each checked, unless they are there already. */
export async function fetchBroker(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const line of JARS) {
    const [coordinates = '', sha1 = ''] = line.split(' ');
    const [group = '', artifact = '', version = ''] = coordinates.split(':');
    const name = `${artifact}-${version}.jar`;
    const path = join(folder, name);
    if (existsSync(path)) continue;
    const place = `${group.replaceAll('.', '/')}/${artifact}/${version}/${name}`;
    const answer = await fetch(`${REPOSITORY}/${place}`);
    if (!answer.ok) throw new Error(`${place}: status ${answer.status}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const found = createHash('sha1').update(bytes).digest('hex');
    if (found !== sha1) throw new Error(`${place} has checksum ${found}, not ${sha1}`);
    writeFileSync(path, bytes);
  }
  return folder;
}

/** A real broker on this machine alone: one node that is its own controller. */
export class KafkaProcess {
  readonly address: string;
  readonly #jars: string;
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | null = null;

  private constructor(jars: string, folder: string, port: number) {
    this.#jars = jars;
    this.#folder = folder;
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
  }

  static async create(jars: string, folder: string): Promise<KafkaProcess> {
    const [port, controller] = [await freePort(), await freePort()];
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const settings = [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      'controller.listener.names=CONTROLLER',
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      `log.dirs=${join(folder, 'data')}`,
      'auto.create.topics.enable=false',
      'group.initial.rebalance.delay.ms=0',
      'offsets.topic.num.partitions=1',
      'offsets.topic.replication.factor=1',
      'transaction.state.log.num.partitions=1',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
    ];
    writeFileSync(join(folder, 'server.properties'), `${settings.join('\n')}\n`);
    const broker = new KafkaProcess(jars, folder, port);
    execFileSync(
      'java',
      broker.#java(['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c']),
      {
        stdio: 'ignore',
      },
    );
    return broker;
  }

  #java(command: readonly string[]): string[] {
    const settings = join(this.#folder, 'server.properties');
    return ['-Xmx384m', '-cp', join(this.#jars, '*'), ...command, settings];
  }

  async start(): Promise<void> {
    const child = spawn('java', this.#java(['kafka.Kafka']), { stdio: 'ignore' });
    this.#child = child;
    process.once('exit', () => child.kill('SIGKILL'));
    const until = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(this.#port))) {
      if (Date.now() > until || child.exitCode !== null)
        throw new Error('the broker did not start');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** kill -9, as a machine would end it. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
