/** docs/from-history-to-training-set.md does what it says, block by block. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Project, type ServerRun } from '../cli/project.ts';
import { guide, missingLine, type Step, stepsOf } from './history-guide.ts';

const root = join(import.meta.dirname, '..', '..');
const steps = stepsOf(guide);

/** One reader of the page: a folder, a shell, a server. */
class Reader {
  readonly #project: Project;
  #server: ServerRun | null = null;

  constructor(project: Project) {
    this.#project = project;
    const duckdb = join(root, 'node_modules', '@duckdb');
    symlinkSync(duckdb, join(project.folder, 'node_modules', '@duckdb'), 'dir');
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'file') {
      const path = join(this.#project.folder, step.name);
      const before = step.more ? readFileSync(path, 'utf8') : '';
      writeFileSync(path, before + step.text);
      return;
    }
    const outputs: string[] = [];
    for (const line of step.lines) outputs.push(await this.#command(line));
    if (step.output === null) return;
    const printed = outputs.filter((text) => text !== '').join('');
    const missing = missingLine(step.output, printed);
    assert.equal(missing, null, `${missing}\n\n${step.lines.join('\n')}\n\n${printed}`);
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
    if (command === 'npx asof apply') await this.#server?.says((said) => 'reloaded' in said, from);
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
    const words = this.#shell(`printf '%s\\n' ${command}`).trimEnd().split('\n').slice(2);
    const isRemote = ['push', 'get', 'status'].includes(words[0] ?? '');
    return isRemote && this.#server !== null ? [...words, '--url', this.#server.url] : words;
  }
}

test('every link of the guide leads somewhere', () => {
  const targets = Array.from(guide.matchAll(/\]\(([^)#]+)/g), ([, target = '']) => target);
  assert.ok(targets.length > 5);
  for (const target of targets) assert.ok(existsSync(join(root, 'docs', target)), target);
});

test('what the guide shows is compared line by line', () => {
  assert.equal(missingLine('a\n…\nc  …\n', 'a\nb\nc 12\n'), null);
  assert.equal(missingLine('a\n…', 'a\nb\nc'), null);
  assert.match(missingLine('a\nc', 'a\nb\nc') ?? '', /^c\n.*b$/);
  assert.match(missingLine('a', 'a\nb') ?? '', /^the end\n.*b$/);
  assert.match(missingLine('a\n…\nd', 'a\nb\nc') ?? '', /^d\n/);
});

test('the guide from history to training set works, top to bottom', async (t) => {
  assert.ok(steps.filter(({ kind }) => kind === 'commands').length >= 12);
  const reader = new Reader(Project.create(t, null));
  for (const step of steps) await reader.take(step);
});
