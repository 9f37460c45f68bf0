import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadDefinitions } from '../../src/app/definitions.ts';
import { AsofError } from '../../src/base/errors.ts';
import { DEFINITIONS_TEXT, temporaryFolder } from './world.ts';

const root = join(import.meta.dirname, '..', '..');

function definitionsFile(t: TestContext, text: string): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'asof'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const file = join(folder, 'features.ts');
  writeFileSync(file, text);
  return file;
}

interface Broken {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  /** The message, in which `FILE` stands for the file's path. */
  readonly says: string;
  readonly timeoutMs?: number;
}

const BROKEN: readonly Broken[] = [
  {
    name: 'does not parse',
    text: `${DEFINITIONS_TEXT}\nexport const x = ;\n`,
    code: 'definitions_failed',
    says: 'FILE:14: SyntaxError',
  },
  {
    name: 'uses syntax that has to be compiled',
    text: `${DEFINITIONS_TEXT}\nenum Risk { Low, High }\n`,
    code: 'definitions_failed',
    says: 'TypeScript enum is not supported',
  },
  {
    name: 'throws',
    text: `${DEFINITIONS_TEXT}\nthrow new Error('no database today');\n`,
    code: 'definitions_failed',
    says: 'FILE:14:7: Error: no database today',
  },
  {
    name: 'throws what is no error',
    text: `${DEFINITIONS_TEXT}\nthrow 'only text';\n`,
    code: 'definitions_failed',
    says: 'only text',
  },
  {
    name: 'fails later, on its own',
    text: `${DEFINITIONS_TEXT}\nawait Promise.reject(new TypeError('rejected'));\n`,
    code: 'definitions_failed',
    says: 'FILE:14:22: TypeError: rejected',
  },
  {
    name: 'imports what is not there',
    text: `import './prices.ts';\n${DEFINITIONS_TEXT}`,
    code: 'definitions_failed',
    says: 'prices.ts',
  },
  {
    name: 'imports a name that asof lacks',
    text: `import { mode } from 'asof';\n${DEFINITIONS_TEXT}`,
    code: 'definitions_failed',
    says: "does not provide an export named 'mode'",
  },
  {
    name: 'loops for ever',
    text: `${DEFINITIONS_TEXT}\nfor (;;);\n`,
    code: 'definitions_failed',
    says: 'FILE: Timeout: the file was still running after 0.5 s',
    timeoutMs: 500,
  },
  {
    name: 'waits for ever',
    text: `${DEFINITIONS_TEXT}\nawait new Promise(() => {});\n`,
    code: 'definitions_failed',
    says: 'FILE: Await: a top-level await of the file never ends',
  },
  {
    name: 'ends its process',
    text: `${DEFINITIONS_TEXT}\nprocess.exit(7);\n`,
    code: 'definitions_failed',
    says: 'ended its process with exit code 7',
  },
  {
    name: 'exports nothing',
    text: 'export const limit = 5;\n',
    code: 'invalid_definition',
    says: 'Nothing is defined',
  },
  {
    name: 'picks a feature that the view lacks',
    text: `${DEFINITIONS_TEXT}\nexport const other = service('other', { version: 1, features: [use.pick('payments_evr' as never)] });\n`,
    code: 'invalid_definition',
    says: 'payments_evr',
  },
];

for (const { name, text, code, says, timeoutMs } of BROKEN) {
  test(`a definitions file that ${name}`, async (t) => {
    const file = definitionsFile(t, text);
    await assert.rejects(loadDefinitions(file, undefined, timeoutMs), (error) => {
      assert.ok(error instanceof AsofError);
      assert.equal(error.code, code, error.message);
      const expected = says.replace('FILE', file);
      assert.ok(error.message.includes(expected), `'${expected}' in: ${error.message}`);
      assert.ok(error.remedy.length > 5);
      return true;
    });
  });
}

test('a definitions file that is not there', async (t) => {
  const file = join(temporaryFolder(t), 'features.ts');
  await assert.rejects(loadDefinitions(file), {
    code: 'file_not_found',
    message: `There is no definitions file at ${file}.`,
    remedy: "Run `asof init` for a first one, or set 'definitions' in asof.json.",
  });
});

test('every issue of a file is listed at once, each at its place', async (t) => {
  const text = DEFINITIONS_TEXT.replace("{ card: 'card' }", "{ card: 'crad' }").replace(
    "eventTime: 'at'",
    "eventTime: 'when' as never",
  );
  await assert.rejects(loadDefinitions(definitionsFile(t, text)), (error) => {
    assert.ok(error instanceof AsofError);
    const paths = error.issues.map(({ path }) => path);
    assert.ok(
      paths.some((path) => path.startsWith('sources.payments')),
      paths.join(),
    );
    assert.ok(
      paths.some((path) => path.startsWith('views.use')),
      paths.join(),
    );
    assert.match(error.issues.map(({ message }) => message).join(), /Did you mean 'card'/);
    return true;
  });
});
