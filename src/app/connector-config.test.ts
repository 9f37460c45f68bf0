import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConnectors } from './connector-config.ts';

const files = { name: 'in', type: 'files', source: 'clicks', path: 'inbox/', format: 'ndjson' };
const kafka = { name: 'k', type: 'kafka', source: 'clicks', brokers: ['a:9092'], topic: 't' };
const read = (value: unknown, environment = {}) => readConnectors(value, '/project', environment);

test('connectors with what they leave out', () => {
  const { connectors, issues } = read([files, kafka]);
  assert.deepEqual(issues, []);
  assert.deepEqual(connectors, [
    {
      ...files,
      path: '/project/inbox/',
      suffix: null,
      columns: {},
      delimiter: ',',
      follow: true,
      settleMs: 2_000,
      pollMs: 1_000,
    },
    {
      ...kafka,
      format: 'json',
      registry: null,
      start: 'earliest',
      lost: 'refuse',
      tombstones: 'ignore',
      timestampColumn: null,
      group: null,
      tls: false,
      sasl: null,
    },
  ]);
});

test('secrets come from the environment, and no issue shows one', () => {
  const sasl = { mechanism: 'PLAIN', username: 'u', password: { env: 'SECRET' } };
  const found = read([{ ...kafka, sasl }], { SECRET: 'hidden' }).connectors[0];
  assert.ok(found?.type === 'kafka');
  assert.equal(found.sasl?.password, 'hidden');
  const wrong = read([{ ...kafka, sasl: { ...sasl, password: { evn: 'hidden' } } }]);
  assert.deepEqual(
    wrong.issues.map(({ path }) => path),
    ['connectors[0].sasl.password'],
  );
  assert.doesNotMatch(JSON.stringify(wrong.issues), /hidden/);
});

test('every wrong setting is named with its place', () => {
  const { connectors, issues } = read([
    7,
    { ...files, format: 'xml', settleMs: -1, colums: {} },
    { ...kafka, brokers: ['nowhere'], format: 'avro', tls: 'yes' },
    { type: 'pulsar', name: 'p', source: 's' },
    files,
    { ...files, delimiter: ';;', columns: { a: 1 } },
    files,
  ]);
  assert.deepEqual(
    connectors.map(({ name }) => name),
    ['in', 'in'],
  );
  assert.deepEqual(
    issues.map(({ path }) => path),
    [
      'connectors[0]',
      'connectors[1].format',
      'connectors[1].settleMs',
      'connectors[1].colums',
      'connectors[2].registry',
      'connectors[2].brokers',
      'connectors[2].tls',
      'connectors[3].type',
      'connectors[5].columns',
      'connectors[5].delimiter',
      'connectors',
    ],
  );
  for (const one of issues) assert.ok(one.remedy.length > 5, one.path);
  assert.equal(read({}).issues[0]?.path, 'connectors');
});
