/** docs/streams-in-production.md names what there is, and its commands work. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERRORS } from '../../src/base/errors.ts';
import { Project } from '../cli/project.ts';
import { isKnown, METRICS, sourceText } from './vocabulary.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = readFileSync(join(root, 'docs', 'streams-in-production.md'), 'utf8');

const blocks = Array.from(guide.matchAll(/^```sh guide\n([\s\S]*?)^```/gm), (found) => found[1]);
const commands = blocks.flatMap((block = '') => block.trimEnd().split('\n'));
const prose = guide.replaceAll(/^```[\s\S]*?^```/gm, '');
const names = new Set(Array.from(prose.matchAll(/`([^`\n]+)`/g), (found) => found[1] ?? ''));
/** What other pages explain; the list of all errors explains none. */
const PAGES = [
  ...['audit.md', 'backfill.md', 'datasets.md', 'evolving-sources.md', 'forgetting.md'],
  ...['models.md', 'privacy.md', 'registry.md', 'releasing-features.md', 'tables.md'],
  ...['online-stores.md', 'serving-in-production.md'],
];
const elsewhere = new Set(
  PAGES.flatMap((page) => {
    const text = readFileSync(join(root, 'docs', page), 'utf8');
    return Array.from(text.matchAll(/`([a-z_]+)`/g), (found) => found[1] ?? '');
  }),
);
const isCommand = (name: string): boolean => /^(asof|npm run) /.test(name);
const isPath = (name: string): boolean => name.startsWith('.asof/');

/** What stands in code type and is no name: what `verify` compares with, and of `asof plan`. */
const PLANNED = 'typically 308 B a key; at most 208 tiles of 88 B to 152 B, 57.2 KB in memory';
const NO_NAMES = new Set(['===', PLANNED, 'ready at', 'state: { keys }']);

/** Of commands: the server never answers so. */
const NOT_OF_STREAMS = new Set(['out_of_memory', 'server_unreachable', 'internal']);
/** Verdicts of the door on a row. */
const REJECTIONS = [...sourceText('ingest').matchAll(/new ValueProblem\(\s*'([a-z_]+)'/g)].map(
  ([, code = '']) => code,
);

test('every name in the guide is one of the code', () => {
  const unknown = [...names].filter(
    (name) => !NO_NAMES.has(name) && !isCommand(name) && !isPath(name) && !isKnown(name),
  );
  assert.deepEqual(unknown, []);
});

test('a name that the code does not have is noticed', () => {
  const wrong = [
    'asof_backpressure',
    'too_lately',
    'pressure.breakers',
    'sources[].clocks.skew.most',
    'stateMemoryBytes',
    'GET /ready',
    'a checkpoint failed',
  ];
  assert.deepEqual(wrong.filter(isKnown), []);
  assert.ok(isKnown('sources[].clocks.skew.maxMs') && isKnown('overloaded'));
});

test('every metric, and every error that is not the sender’s or the author’s alone, is explained', () => {
  const isSaid = (name: string): boolean => names.has(name) || elsewhere.has(name);
  const unsaid = [...METRICS].filter((name) => !isSaid(name));
  for (const [code, { domain }] of Object.entries(ERRORS)) {
    if (domain !== 'user' && !NOT_OF_STREAMS.has(code) && !isSaid(code)) unsaid.push(code);
  }
  for (const code of REJECTIONS) if (!names.has(code)) unsaid.push(code);
  assert.deepEqual(unsaid, []);
});

test('every link within the guide and to other pages leads somewhere', () => {
  const anchorOf = (title: string): string =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-');
  const anchorsOf = (text: string) =>
    Array.from(text.matchAll(/^#+ (.+)$/gm), ([, title = '']) => anchorOf(title));
  for (const [, target = ''] of guide.matchAll(/\]\(([^)]+)\)/g)) {
    const [page = '', anchor] = target.split('#');
    const path = join(root, 'docs', page);
    assert.ok(existsSync(path), target);
    if (anchor === undefined) continue;
    const text = page === '' ? guide : readFileSync(path, 'utf8');
    assert.ok(anchorsOf(text).includes(anchor), target);
  }
});

test('commands in the prose of the guide exist', async (t) => {
  const project = Project.create(t, null);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  for (const name of [...names].filter(isCommand)) {
    const [program, command = '', ...rest] = name.split(' ');
    if (program === 'npm') assert.ok(scripts[rest[0] ?? ''] !== undefined, name);
    else {
      const help = await project.run([command, '--help']);
      assert.ok(help.code === 0 && help.stdout.includes(`Usage: asof ${command}`), name);
      for (const option of rest.filter((word) => word.startsWith('--'))) {
        assert.ok(help.stdout.includes(`${option} `), name);
      }
    }
  }
});

test('the commands of the guide work, top to bottom', async (t) => {
  const project = Project.create(t, null);
  assert.equal((await project.run(['init'])).code, 0);
  project.write('asof.json', '{"definitions":"features.ts","archiveEverySeconds":1}');
  const planned = await project.run(['plan']);
  assert.ok(planned.stdout.includes(PLANNED), planned.stdout);
  const server = await project.server('dev');
  const pushed = await project.run(['push', 'payments', 'payments.ndjson', '--url', server.url]);
  assert.equal(pushed.code, 0, pushed.stderr);
  const late = `{"payment":"old","user":"u1","amount":1,"country":"NL","at":1}\n{"payment":7}\n`;
  project.write('late.ndjson', late);
  const rejected = await project.run(['push', 'payments', 'late.ndjson', '--url', server.url]);
  assert.equal(rejected.code, 1);
  assert.equal((await project.run(['get', 'fraud', 'user=u3', '--url', server.url])).code, 0);
  assert.ok(commands.length >= 12);
  for (const line of commands) {
    if (line.startsWith('curl ')) {
      const text = execFileSync('bash', ['-c', line.replace('http://127.0.0.1:6570', server.url)]);
      assert.match(String(text), /asof_ready 1/);
      continue;
    }
    const words = line.split(' ').slice(1);
    const isLocal = ['plan', 'apply', 'verify'].includes(words[0] ?? '');
    const run = await project.run(isLocal ? words : [...words, '--url', server.url]);
    // What is still too late is refused again, and says so.
    const code = words.includes('readmit') ? 1 : 0;
    assert.equal(run.code, code, `${line}: ${run.stdout}${run.stderr}`);
  }
  await folders(project);
});

/** The parts of the data directory that the guide names, archive included. */
async function folders(project: Project): Promise<void> {
  for (const name of [...names].filter(isPath)) {
    const path = join(project.folder, name);
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
