/** Commands and options that pages and messages name are those of the program. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';
import { sourceText } from './vocabulary.ts';

const root = join(import.meta.dirname, '..', '..');
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...docs.map((name) => join('docs', name))];

/** `asof word …` in code type and in blocks, of pages and of messages. */
function commandsIn(text: string): string[] {
  const blocks = text.match(/^```[\s\S]*?^```/gm) ?? [];
  const found = [
    ...text.matchAll(/`asof ([a-z][^`\n]*)`/g),
    ...blocks.join('\n').matchAll(/^(?:\$ |npx )?asof ([a-z].*)$/gm),
  ];
  return found
    .map(([, line = '']) => line.replace(/ +#.*$/, ''))
    .filter((line) => !line.includes('${'));
}

/** What `--help` says of each command that was asked for; nothing of one that does not exist. */
class Helps {
  readonly #project: Project;
  readonly #known = new Map<string, string>();

  constructor(project: Project) {
    this.#project = project;
  }

  async of(command: readonly string[]): Promise<string> {
    const key = command.join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { code, stdout } = await this.#project.run([...command, '--help']);
    const help = code === 0 && stdout.includes(`Usage: asof ${key}`) ? stdout : '';
    this.#known.set(key, help);
    return help;
  }

  /** Of the command that a line names: a group is followed by one of its own. */
  async ofLine(line: string): Promise<string> {
    const command: string[] = [];
    for (const word of line.replaceAll('\\', '').split(/[\s,;]+/)) {
      if (!/^[a-z][a-z-]*$/.test(word)) break;
      command.push(word);
      const help = await this.of(command);
      if (!help.includes('\nCommands:')) return help;
    }
    return this.of(command);
  }
}

test('every command and option that is written somewhere exists', async (t) => {
  const project = Project.create(t, null);
  const helps = new Helps(project);
  const wrong: string[] = [];
  const texts = [...pages.map((page) => [page, readFileSync(join(root, page), 'utf8')])];
  texts.push(['messages', sourceText('.').replaceAll('\\`', '`')]);
  let seen = 0;
  for (const [where = '', text = ''] of texts) {
    for (const line of commandsIn(text)) {
      const help = await helps.ofLine(line);
      if (help === '') wrong.push(`${where}: asof ${line}`);
      const words = line.replaceAll('\\', '').split(/[\s,;]+/);
      const options = words.filter((word) => /^--[a-z]/.test(word));
      for (const option of options) {
        seen += 1;
        if (!help.includes(`${option} `)) wrong.push(`${where}: asof ${line}: ${option}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 50);
});
