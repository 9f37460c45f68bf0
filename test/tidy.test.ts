import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ENTRY_POINTS,
  FILE_LINES_MAX,
  HIDDEN_INPUT_FOLDERS,
  IMPORT_TABLE,
  LONG_FILES,
} from './tidy/import-table.ts';
import { findCycle, readModules, unreachableFrom, withoutComments } from './tidy/module-graph.ts';

const root = join(import.meta.dirname, '..');
const modules = readModules(root, ['src', 'test', 'bench', 'examples', 'scripts']);
const sources = modules.filter((file) => file.path.startsWith('src/'));
const isTest = (path: string): boolean => /\.(test|fixture|test-d)\.ts$/.test(path);

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function mayImport(from: string, to: string): boolean {
  const entry = ENTRY_POINTS[from];
  if (entry !== undefined) return entry.includes(folderOf(to));
  const folder = folderOf(from);
  return folderOf(to) === folder || (IMPORT_TABLE[folder] ?? []).includes(folderOf(to));
}

test('imports obey the table: only up, type imports included', () => {
  const wrong: string[] = [];
  for (const file of sources) {
    // A test beside its source may use the published test kit, which imports up to the engine.
    for (const target of file.imports) {
      if (!target.startsWith('src/')) wrong.push(`${file.path} leaves src: ${target}`);
      else if (isTest(file.path) && folderOf(target) === 'testing') continue;
      else if (!mayImport(file.path, target)) wrong.push(`${file.path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('the rows of the table are in order', () => {
  const order = Object.keys(IMPORT_TABLE);
  for (const [folder, allowed] of Object.entries(IMPORT_TABLE)) {
    for (const target of allowed) {
      assert.ok(
        order.indexOf(target) < order.indexOf(folder),
        `${folder} imports ${target} below it`,
      );
    }
  }
});

test('no import passes through a package entry point, and every import names a file', () => {
  const wrong: string[] = [];
  for (const file of sources) {
    for (const target of file.imports) {
      if (/(^|\/)index\.ts$/.test(target)) wrong.push(`${file.path} imports ${target}`);
      if (!existsSync(join(root, target))) wrong.push(`${file.path} imports absent ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('there is no import cycle', () => {
  assert.equal(findCycle(modules), null);
});

test('no file of src is dead: everything is reached from an entry point', () => {
  const roots = Object.keys(ENTRY_POINTS);
  const live = sources.filter((file) => !isTest(file.path));
  assert.deepEqual(unreachableFrom(live, roots), []);
});

test('files stay short, and long ones only shrink', () => {
  const wrong: string[] = [];
  for (const file of modules) {
    const lines = file.text.split('\n').length - 1;
    const allowed = LONG_FILES[file.path] ?? FILE_LINES_MAX;
    if (lines > allowed) wrong.push(`${file.path} has ${lines} lines, ${allowed} are allowed`);
    if (file.path in LONG_FILES && lines <= FILE_LINES_MAX) wrong.push(`${file.path} is short now`);
  }
  assert.deepEqual(wrong, []);
});

test('no vague folders or files', () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc|stuff)(\/|\.ts$)/;
  assert.deepEqual(
    modules.map((file) => file.path).filter((path) => vague.test(path)),
    [],
  );
});

test('clocks, randomness, timers and the environment are passed in', () => {
  const hidden =
    /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.env\b|\bperformance\.now\(|\bset(Timeout|Interval)\(/;
  const wrong: string[] = [];
  for (const file of sources) {
    if (isTest(file.path) || HIDDEN_INPUT_FOLDERS.includes(folderOf(file.path))) continue;
    for (const line of withoutComments(file.text).split('\n')) {
      if (hidden.test(line)) wrong.push(`${file.path}: ${line.trim()}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no escape hatches: any, ts-ignore, non-null assertions', () => {
  const wrong: string[] = [];
  for (const file of sources) {
    if (/@ts-ignore|@ts-nocheck/.test(file.text)) wrong.push(file.path);
  }
  assert.deepEqual(wrong, []);
});

test('no test is skipped or focused', () => {
  const wrong = modules
    .filter((file) => file.path !== 'test/tidy.test.ts')
    .filter((file) => /\b(test|it|describe|suite)\.(skip|only|todo)\b/.test(file.text));
  assert.deepEqual(
    wrong.map((file) => file.path),
    [],
  );
});

test('ARCHITECTURE.md names exactly the folders of src', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const named = [...text.matchAll(/^\| `src\/([a-z]+)\/` \|/gm)].map((match) => match[1]);
  const real = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  assert.deepEqual(named.toSorted(), real.toSorted());
});

test('the project speaks of itself alone', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  const foreign =
    /(^|[^a-zA-Z])\/(work|farm)\/[a-z.]|registry\.npmjs\.org|SEMANTICS\.md|DESIGN\.md/;
  const wrong = tracked
    .split('\0')
    .filter((path) => path !== '' && !path.startsWith('.ci/') && path !== 'test/tidy.test.ts')
    .filter((path) => /\.(ts|md|json|js|html|yml)$/.test(path) && existsSync(join(root, path)))
    .filter((path) => foreign.test(readFileSync(join(root, path), 'utf8')));
  assert.deepEqual(wrong, []);
});
