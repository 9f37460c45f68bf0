import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { present } from '../../src/base/assert.ts';

const root = join(import.meta.dirname, '..', '..');
const MAIN = join(root, 'src', 'cli', 'main.ts');

const FEATURES = `
import { count, countDistinct, entity, int64, lifetime, service, sliding, stream, string, sum, timestamp, view } from 'asof';
const user = entity('user', { keys: { user: string() } });
const clicks = stream('clicks', {
  columns: { user: string(), page: string(), cost: int64(), at: timestamp() },
  eventTime: 'at',
});
const activity = view('activity', {
  version: 1,
  source: clicks,
  entity: user,
  key: { user: 'user' },
  online: ONLINE,
  features: (click) => ({
    clicks_1h: count().over(sliding('1h')),
    spent: sum(click.cost).over(lifetime()).default(0),
    pages: countDistinct(click.page).over(lifetime()),
  }),
});
export default [service('ranking', { version: 1, features: [activity.all()] })];
`;

export interface Answer {
  readonly position: { readonly commit: number };
  readonly rows: readonly {
    readonly values: Readonly<Record<string, number | null>>;
    readonly statuses: Readonly<Record<string, string>>;
  }[];
}

/** A project in a folder of its own, and the processes that serve it. */
export class WorkerWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'asof-workers-'));
  readonly #started: ChildProcess[] = [];

  /** @param online which keys of the view its store holds */
  constructor(settings: object = {}, online: unknown = 'all') {
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(root, join(this.folder, 'node_modules', 'asof'), 'dir');
    const features = FEATURES.replace('ONLINE', JSON.stringify(online));
    writeFileSync(join(this.folder, 'features.ts'), features);
    writeFileSync(
      join(this.folder, 'asof.json'),
      JSON.stringify({ store: { kind: 'lmdb' }, ...settings }),
    );
  }

  async run(...args: readonly string[]): Promise<{ code: number | null; text: string }> {
    const child = this.#spawn(args);
    let text = '';
    present(child.stdout, 'its output').on('data', (chunk) => {
      text += String(chunk);
    });
    const code = await exited(child);
    return { code, text };
  }

  /** A server that is ready. */
  async serve(...args: readonly string[]): Promise<ServedProcess> {
    const child = this.#spawn(['serve', ...args]);
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: present(child.stdout, 'its output') }).on('line', (line) => {
        const told: unknown = JSON.parse(line);
        if (typeof told === 'object' && told !== null && 'url' in told) resolve(String(told.url));
      });
      child.once('exit', () => reject(new Error('it ended before it was ready')));
    });
    return new ServedProcess(url, child);
  }

  close(): void {
    for (const child of this.#started) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(args: readonly string[]): ChildProcess {
    const all = ['--conditions=asof-source', MAIN, ...args, '--project', this.folder, '--json'];
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#started.push(child);
    return child;
  }
}

/** A process that listens, and what is asked of it. */
export class ServedProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  async push(rows: readonly object[]): Promise<number> {
    const at = Date.now();
    const body = rows.map((row) => JSON.stringify({ ...row, at })).join('\n');
    const { status, text } = await this.send('POST', '/v1/events/clicks', body, 'x-ndjson');
    if (status !== 200) throw new Error(`${status} ${text}`);
    return Number(JSON.parse(text).commit);
  }

  async ask(user: string): Promise<Answer> {
    const body = JSON.stringify({ service: 'ranking', rows: [{ user }] });
    for (;;) {
      const { status, text } = await this.send('POST', '/v1/features', body);
      if (status === 200) return JSON.parse(text);
      // On a machine that is busy with other tests a server may ask for patience.
      if (status !== 429) throw new Error(`${status} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Until an answer is of this commit at least. */
  async askAt(user: string, commit: number): Promise<Answer> {
    return until(async () => {
      const answer = await this.ask(user);
      return answer.position.commit >= commit ? answer : null;
    });
  }

  /** On a connection of its own, so that any of the processes may answer. */
  async send(
    method: string,
    path: string,
    body?: string,
    type = 'json',
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { connection: 'close', 'content-type': `application/${type}` },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await exited(this.#child);
  }

  /** Answers the exit code. */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return exited(this.#child);
  }
}

function exited(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/** Asks again until there is an answer. */
export async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look().catch((error: unknown) => {
      // A process that has just died takes its connections with it.
      if (error instanceof TypeError) return null;
      throw error;
    });
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
