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

const GROUPS = new Set(['deadletters', 'dataset']);

function parts(line: string): { readonly command: string[]; readonly options: string[] } {
  const words = line.replaceAll('\\', '').split(/[\s,;]+/);
  const [name = '', sub = ''] = words;
  const isSub = GROUPS.has(name) && /^[a-z]+$/.test(sub) && words.length > 1;
  return {
    command: isSub ? [name, sub] : [name],
    options: words.filter((word) => /^--[a-z]/.test(word)),
  };
}

test('every command and option that is written somewhere exists', async (t) => {
  const project = Project.create(t, null);
  const helps = new Map<string, string>();
  const wrong: string[] = [];
  const texts = [...pages.map((page) => [page, readFileSync(join(root, page), 'utf8')])];
  texts.push(['messages', sourceText('.').replaceAll('\\`', '`')]);
  let seen = 0;
  for (const [where = '', text = ''] of texts) {
    for (const line of commandsIn(text)) {
      const { command, options } = parts(line);
      const key = command.join(' ');
      if (!helps.has(key)) {
        const { code, stdout } = await project.run([...command, '--help']);
        const isCommand = code === 0 && stdout.includes(`Usage: asof ${key}`);
        helps.set(key, isCommand ? stdout : '');
      }
      const help = helps.get(key) ?? '';
      if (help === '') wrong.push(`${where}: asof ${line}`);
      for (const option of options) {
        seen += 1;
        if (!help.includes(`${option} `)) wrong.push(`${where}: asof ${line}: ${option}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 50);
});
