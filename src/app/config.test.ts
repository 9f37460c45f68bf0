import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { loadConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'asof-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const withFile = (text: string): void => writeFileSync(join(folder, 'asof.json'), text);

test('the command line goes before the environment, that before the file, that before defaults', () => {
  withFile('{"port":1,"threads":3,"dataDir":"data"}');
  const file = loadConfig(folder, {}, {});
  assert.deepEqual([file.port, file.threads, file.host], [1, 3, '127.0.0.1']);
  assert.equal(file.dataDir, join(folder, 'data'));
  assert.equal(file.definitions, join(folder, 'features.ts'));
  assert.equal(loadConfig(folder, {}, { ASOF_PORT: '2', ASOF_DATA_DIR: '/d' }).port, 2);
  assert.equal(loadConfig(folder, {}, { ASOF_DATA_DIR: '/d' }).dataDir, '/d');
  assert.equal(loadConfig(folder, { port: 3 }, { ASOF_PORT: '2' }).port, 3);
  assert.equal(loadConfig(folder, { port: undefined }, { ASOF_PORT: '2' }).port, 2);
});

test('every wrong setting is listed, by name and with what it must be', () => {
  withFile('{"port":70000,"clck":"wall","serveLogRate":2,"host":""}');
  assert.throws(
    () => loadConfig(folder, {}, { ASOF_THREADS: 'many' }),
    (error) => {
      assert.ok(error instanceof AsofError);
      assert.equal(error.code, 'invalid_config');
      const paths = error.issues.map(({ path }) => path).toSorted();
      assert.deepEqual(paths, ['clck', 'host', 'port', 'serveLogRate', 'threads']);
      for (const one of error.issues) assert.ok(one.remedy.length > 10, one.path);
      return true;
    },
  );
});

test('a file that is no JSON object is refused, and an absent one means the defaults', () => {
  for (const text of ['{', '[]', 'null', '7']) {
    withFile(text);
    assert.throws(() => loadConfig(folder, {}, {}), {
      code: 'invalid_config',
      message: /asof\.json/,
    });
  }
  rmSync(join(folder, 'asof.json'));
  assert.equal(loadConfig(folder, {}, {}).port, 6570);
});
