import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadDefinitions } from '../../src/app/definitions.ts';
import { AsofError } from '../../src/base/errors.ts';
import { DEFINITIONS } from '../cli/project.ts';
import { temporaryFolder } from './world.ts';

const asof = join(import.meta.dirname, '..', '..');

/** Files of a project, beside one that is not of it. */
function project(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = join(realpathSync(temporaryFolder(t)), 'project');
  const all = {
    'package.json': '{"type":"module"}',
    '../outside/secret.ts': 'export const x = 1;',
  };
  for (const [name, text] of Object.entries({ ...all, ...files })) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(asof, join(folder, 'node_modules', 'asof'), 'dir');
  symlinkSync(join(folder, '..', 'outside'), join(folder, 'linked'), 'dir');
  return folder;
}

async function failureOf(
  folder: string,
  imports: readonly string[] = [],
): Promise<AsofError | null> {
  try {
    await loadDefinitions(join(folder, 'features.ts'), { root: folder, imports });
    return null;
  } catch (error) {
    assert.ok(error instanceof AsofError, String(error));
    return error;
  }
}

const package_ = (name: string, text: string) => ({
  [`node_modules/${name}/package.json`]: `{"name":"${name}","type":"module","exports":"./index.js"}`,
  [`node_modules/${name}/index.js`]: text,
});

const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'files of the project': {
    'features.ts': `import './more/part.ts';\n${DEFINITIONS}`,
    'more/part.ts': '',
  },
  'JSON of the project': {
    'features.ts': `import sizes from './sizes.json' with { type: 'json' };\nif (sizes.a !== 1) throw new Error();\n${DEFINITIONS}`,
    'sizes.json': '{"a":1}',
  },
  'what computes alone': {
    'features.ts': `import { join } from 'node:path';\nimport { format } from 'util';\njoin(format('a'), 'b');\n${DEFINITIONS}`,
  },
  'an installed package': {
    'features.ts': `import { twice } from 'twice';\ntwice(2);\n${DEFINITIONS}`,
    ...package_('twice', 'export const twice = (x) => 2 * x;'),
  },
};

for (const [name, files] of Object.entries(ALLOWED)) {
  test(`definitions may import ${name}`, async (t) => {
    assert.equal(await failureOf(project(t, files)), null);
  });
}

/** A package of a workspace, as npm links it. */
function linkedPackage(folder: string, index: string): void {
  const files = {
    'package.json': '{"name":"@team/shared","type":"module","exports":"./index.ts"}',
    'index.ts': index,
    'part.ts': 'export const x = 1;',
    'node_modules/dep/package.json': '{"name":"dep","type":"module","exports":"./index.js"}',
    'node_modules/dep/index.js': 'export const y = 1;',
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, '..', 'shared', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  mkdirSync(join(folder, 'node_modules', '@team'));
  symlinkSync(join(folder, '..', 'shared'), join(folder, 'node_modules', '@team', 'shared'), 'dir');
}

test('definitions may import a package that is linked, and no file of it or beside it', async (t) => {
  const named = project(t, {
    'features.ts': `import { x } from '@team/shared';\nif (x !== 1) throw new Error();\n${DEFINITIONS}`,
  });
  linkedPackage(named, "export { x } from './part.ts';\nimport 'dep';\n");
  assert.equal(await failureOf(named), null);
  for (const [imported, index] of [
    ["import '@team/shared'; import '../shared/part.ts';", ''],
    ["import '@team/shared';", "import 'node:fs';"],
    ["import '@team/shared';", "import '../outside/secret.ts';"],
  ] as const) {
    const folder = project(t, { 'features.ts': `${imported}\n${DEFINITIONS}` });
    linkedPackage(folder, index);
    assert.equal((await failureOf(folder))?.code, 'forbidden_import', index);
  }
});

const REFUSED: readonly (readonly [name: string, text: string, says: RegExp])[] = [
  [
    'files',
    "import { writeFileSync } from 'node:fs';",
    /features\.ts imports 'node:fs': definitions reach/,
  ],
  ['files, by the short name', "import 'fs/promises';", /imports 'fs\/promises'/],
  ['processes', "import 'node:child_process';", /'node:child_process'/],
  ['the network', "import 'node:net';", /'node:net'/],
  ['workers', "import 'node:worker_threads';", /'node:worker_threads'/],
  ['require', "import { createRequire } from 'node:module';", /'node:module'/],
  ['later', "await import('node:fs');", /'node:fs'/],
  ['built in', "process.getBuiltinModule('fs');", /'process\.getBuiltinModule'/],
  ['fetch', "await fetch('http://127.0.0.1:1/');", /'fetch'/],
  ['outside', "import '../outside/secret.ts';", /lies outside of the project, at .*secret\.ts/],
  ['a link out', "import './linked/secret.ts';", /'\.\/linked\/secret\.ts': it lies outside/],
  ['text as code', "import 'data:text/javascript,1';", /only files and installed packages/],
  ['the inside of asof', "import './node_modules/asof/src/base/node-disk.ts';", /a part of asof/],
  [
    'a package that reads files',
    "import 'reader';",
    /node_modules\/reader\/index\.js imports 'node:fs'/,
  ],
  ['a package of the old kind', "import 'old';", /node_modules\/old\/index\.cjs imports 'fs'/],
];

for (const [name, text, says] of REFUSED) {
  test(`definitions may not reach ${name}`, async (t) => {
    const folder = project(t, {
      'features.ts': `${text}\n${DEFINITIONS}`,
      ...package_('reader', "import 'node:fs';"),
      'node_modules/old/package.json': '{"name":"old","main":"./index.cjs"}',
      'node_modules/old/index.cjs': "require('fs');",
    });
    const failure = await failureOf(folder);
    assert.equal(failure?.code, 'forbidden_import', failure?.message);
    assert.match(failure?.message ?? '', says);
    assert.match(failure?.remedy ?? '', /"imports" in asof\.json/);
  });
}

test('folders that the settings name may be imported from', async (t) => {
  const folder = project(t, { 'features.ts': `import '../outside/secret.ts';\n${DEFINITIONS}` });
  assert.equal(await failureOf(folder, [join(folder, '..', 'outside')]), null);
  const beside = join(folder, '..', 'out');
  mkdirSync(beside);
  assert.equal(
    (await failureOf(folder, [beside]))?.code,
    'forbidden_import',
    'no prefix of a name',
  );
});
