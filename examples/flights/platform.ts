import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');
const COMMAND = ['--conditions=asof-source', join(root, 'src', 'cli', 'main.ts')];

/** One real `asof dev` process, driven from outside as a user would. */
export class Platform {
  readonly url: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, url: string, child: ChildProcess) {
    this.#folder = folder;
    this.url = url;
    this.#child = child;
  }

  /** Starts from nothing, in a folder of its own. */
  static async start(folder: string, port: number): Promise<Platform> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const config = {
      definitions: join(import.meta.dirname, 'features.ts'),
      clock: 'arrival',
      serveLogRate: 1,
      port,
    };
    writeFileSync(join(folder, 'asof.json'), `${JSON.stringify(config, null, 2)}\n`);
    const child = spawn(process.execPath, [...COMMAND, 'dev', '--project', folder, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      const lines = createInterface({ input: child.stdout });
      lines.on('line', (line) => {
        const started: unknown = JSON.parse(line);
        if (typeof started === 'object' && started !== null && 'url' in started) {
          resolve(String(started.url));
        }
      });
      child.once('exit', (code) => reject(new Error(`asof dev ended with exit code ${code}`)));
    });
    return new Platform(folder, url, child);
  }

  /** Runs another command of asof on the same data and gives its JSON result. */
  async command(...words: string[]): Promise<Record<string, unknown>> {
    const child = spawn(
      process.execPath,
      [...COMMAND, ...words, '--project', this.#folder, '--json'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let last = '';
    for await (const line of createInterface({ input: child.stdout })) last = line;
    const result: unknown = JSON.parse(last);
    if (typeof result !== 'object' || result === null || 'error' in result) {
      throw new Error(`asof ${words.join(' ')} failed: ${last}`);
    }
    return { ...result };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}
