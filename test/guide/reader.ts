import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Project, ServerRun } from '../cli/project.ts';
import { missingLine, type Step } from './guide-steps.ts';

const root = join(import.meta.dirname, '..', '..');

/** One reader of the page: a folder, a shell, a server. */
export class Reader {
  readonly #project: Project;
  #server: ServerRun | null = null;

  constructor(project: Project) {
    this.#project = project;
    const duckdb = join(root, 'node_modules', '@duckdb');
    symlinkSync(duckdb, join(project.folder, 'node_modules', '@duckdb'), 'dir');
  }

  /** Answers what the commands print. */
  async take(step: Step): Promise<string> {
    if (step.kind === 'file') {
      const path = join(this.#project.folder, step.name);
      const before = step.more ? readFileSync(path, 'utf8') : '';
      const text = step.name === 'asof.json' ? onFreePort(step.text) : step.text;
      writeFileSync(path, before + text);
      return '';
    }
    const outputs: string[] = [];
    for (const line of step.lines) outputs.push(await this.#command(line));
    const printed = outputs.filter((text) => text !== '').join('');
    if (step.output === null) return printed;
    const missing = missingLine(step.output, printed);
    assert.equal(missing, null, `${missing}\n\n${step.lines.join('\n')}\n\n${printed}`);
    return printed;
  }

  async #command(line: string): Promise<string> {
    const [, command = '', code = '0'] =
      /^(.*?)(?: +# ends with exit code (\d))?$/.exec(line) ?? [];
    if (command === 'npx asof serve &') {
      this.#server = await this.#project.server('serve');
      return '';
    }
    if (!command.startsWith('npx asof ')) return this.#shell(command);
    const from = this.#server?.lines.length ?? 0;
    const run = await this.#project.run(this.#wordsOf(command));
    assert.equal(run.code, Number(code), `${line}\n${run.stdout}${run.stderr}`);
    const told = command.startsWith('npx asof apply') ? 'reloaded' : 'released';
    const isFollowed = /^npx asof (apply|publish)\b/.test(command) && code === '0';
    if (isFollowed) await this.#server?.says((said) => told in said, from);
    return run.stdout + run.stderr;
  }

  #shell(command: string): string {
    const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const path = `${dirname(process.execPath)}:${env.PATH}`;
    return execFileSync('bash', ['-e', '-c', command], {
      cwd: this.#project.folder,
      encoding: 'utf8',
      env: { ...env, NO_COLOR: '1', PATH: path },
    });
  }

  /** As the shell splits and expands them, so that one process can run them all. */
  #wordsOf(command: string): string[] {
    return this.#shell(`printf '%s\\n' ${command}`).trimEnd().split('\n').slice(2);
  }
}

/** Others here may listen on the port of the guide; commands find the free one as anybody's do. */
function onFreePort(settings: string): string {
  return JSON.stringify({ port: 0, ...JSON.parse(settings) });
}
