import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'src', 'cli', 'main.ts');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project in a temporary folder, with asof in its node_modules. */
export class Project {
  readonly folder: string;
  readonly #running = new Set<ServerRun>();
  readonly #waiting = new Map<number, (run: Run) => void>();
  #serial = 0;
  #shell: ChildProcess | null = null;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static create(t: TestContext, definitions: string | null = DEFINITIONS): Project {
    const project = new Project(mkdtempSync(join(tmpdir(), 'asof-cli-')));
    t.after(async () => {
      for (const server of project.#running) await server.stop();
      project.#shell?.kill('SIGKILL');
      rmSync(project.folder, { recursive: true, force: true });
    });
    mkdirSync(join(project.folder, 'node_modules'));
    symlinkSync(root, join(project.folder, 'node_modules', 'asof'), 'dir');
    if (definitions === null) return project;
    project.write('package.json', '{"type":"module"}');
    project.write('asof.json', '{"port":0}');
    project.write('features.ts', definitions);
    return project;
  }

  write(path: string, text: string): string {
    const file = join(this.folder, path);
    writeFileSync(file, text);
    return file;
  }

  /** Runs one command to its end, in a process that the commands of a project share. */
  run(args: readonly string[]): Promise<Run> {
    const id = this.#serial++;
    const shell = this.#openShell();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, resolve);
      shell.once('exit', () => reject(new Error(`the shell ended at ${args.join(' ')}`)));
      shell.send({ id, args });
    });
  }

  #openShell(): ChildProcess {
    if (this.#shell !== null) return this.#shell;
    const shell = fork(join(import.meta.dirname, 'shell.ts'), [], {
      cwd: this.folder,
      env: environment(),
      execArgv: ['--conditions=asof-source'],
    });
    shell.setMaxListeners(0);
    shell.on('message', (message: Run & { readonly id: number }) => {
      const { id, ...run } = message;
      this.#waiting.get(id)?.(run);
      this.#waiting.delete(id);
    });
    this.#shell = shell;
    return shell;
  }

  /** Runs one command in a process of its own, with this on its standard input. */
  pipe(input: string, args: readonly string[]): Promise<Run> {
    return new Promise((resolve) => {
      const child = start(this.folder, args);
      let stdout = '';
      let stderr = '';
      child.stdout?.on('data', (chunk) => {
        stdout += String(chunk);
      });
      child.stderr?.on('data', (chunk) => {
        stderr += String(chunk);
      });
      child.once('close', (code) => resolve({ code, stdout, stderr }));
      child.stdin?.end(input);
    });
  }

  /** Runs one command with `--json`; its last line as an object. */
  async json(args: readonly string[]): Promise<JsonRun> {
    const run = await this.run([...args, '--json']);
    const last = run.stdout.trimEnd().split('\n').at(-1) ?? '';
    try {
      return { ...run, result: JSON.parse(last) };
    } catch {
      throw new Error(`the last line of ${args.join(' ')} is no JSON: ${run.stdout}${run.stderr}`);
    }
  }

  /** Starts `dev` or `serve` and waits until it is ready. */
  async server(command: 'dev' | 'serve'): Promise<ServerRun> {
    const child = start(this.folder, [command, '--json', '--port', '0']);
    const server = new ServerRun(child);
    this.#running.add(server);
    await server.says((line) => 'url' in line);
    return server;
  }
}

export interface JsonRun extends Run {
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of whatever a command answers.
  readonly result: any;
}

/** Not as the tests run: colours, widths and settings of the outside have no part in this. */
function environment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, NO_COLOR: __, NODE_TEST_CONTEXT: ___, ...rest } = process.env;
  return rest;
}

function start(folder: string, args: readonly string[]): ChildProcess {
  const command = ['--conditions=asof-source', main, ...args];
  return spawn(process.execPath, command, { cwd: folder, env: environment() });
}

type Line = Readonly<Record<string, unknown>>;

/** A server as its user sees it: lines on standard output, a signal to stop it. */
export class ServerRun {
  readonly lines: Line[] = [];
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #onLine: () => void = () => {};
  #rest = '';
  #code: number | null = null;
  #isOver = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk) => this.#read(String(chunk)));
    child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.#ended = new Promise((resolve) => {
      child.once('close', (code) => {
        this.#code = code;
        this.#isOver = true;
        this.#onLine();
        resolve(code);
      });
    });
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.lines.push(JSON.parse(line) as Line);
    this.#onLine();
  }

  get url(): string {
    return String(this.lines.find((line) => 'url' in line)?.url);
  }

  /** The first line after `from` for which `wanted` holds; fails if the server ends before. */
  async says(wanted: (line: Line) => boolean, from = 0): Promise<Line> {
    for (;;) {
      const found = this.lines.slice(from).find(wanted);
      if (found !== undefined) return found;
      if (this.#isOver) throw new Error(`ended with ${this.#code}: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  /** kill -9: no handler runs, nothing is flushed. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  stop(): Promise<number | null> {
    if (!this.#isOver) this.#child.kill('SIGTERM');
    return this.#ended;
  }
}

/** A small project: how often a card was used. `@` marks where tests add features. */
export const DEFINITIONS = `
import { count, entity, lifetime, service, sliding, stream, string, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'risk',
  features: (payment) => ({ payments_ever: count().over(lifetime()) }),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
`;

let serial = 0;

/** NDJSON of payments of a card, of a minute ago. */
export function paymentLines(card: string, count: number): string {
  const lines = Array.from({ length: count }, () => {
    serial += 1;
    return JSON.stringify({ payment: `p${serial}`, card, at: Date.now() - 60_000 });
  });
  return `${lines.join('\n')}\n`;
}
