import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');

interface StartedFacts {
  readonly url: string;
  /** Only where it listens for gRPC alone. */
  readonly grpcUrl?: string;
}

/** A real server process that can be killed as a machine would kill it. */
export class ServerProcess {
  readonly url: string;
  /** What it told as it was ready. */
  readonly facts: StartedFacts;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(facts: StartedFacts, child: ChildProcess, exited: Promise<void>) {
    this.url = facts.url;
    this.facts = facts;
    this.#child = child;
    this.#exited = exited;
  }

  static async start(project: string): Promise<ServerProcess> {
    const main = join(root, 'src', 'cli', 'main.ts');
    const args = ['--conditions=asof-source', main, 'dev', '--project', project, '--json'];
    const child = spawn(process.execPath, [...args, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const facts = await new Promise<StartedFacts>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const started: unknown = JSON.parse(line);
        if (typeof started === 'object' && started !== null && 'url' in started) {
          resolve(started as StartedFacts);
        }
      });
      void exited.then(() => reject(new Error('the server ended before it was ready')));
    });
    return new ServerProcess(facts, child, exited);
  }

  /** kill -9: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}
