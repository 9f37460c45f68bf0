import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { readNamespaces, readRegistry } from './registry-config.ts';

const URL = 'postgres://asof:hush@db.example:5432/features';

test('the URL of the registry comes from the environment, and is shown nowhere', () => {
  const given = { postgres: { env: 'REGISTRY' }, schema: 'team', connections: 2 };
  const { registry, issues } = readRegistry(given, { REGISTRY: URL });
  assert.deepEqual(issues, []);
  assert.equal(registry?.url, URL);
  assert.deepEqual([registry?.schema, registry?.connections], ['team', 2]);
  assert.doesNotMatch(`${JSON.stringify({ registry })} ${inspect({ registry })}`, /hush/);
  assert.deepEqual(readRegistry(null, {}), { registry: null, issues: [] });
});

test('wrong settings of the registry are named, without what was given for the URL', () => {
  const paths = (value: unknown, environment = {}): string[] => {
    const { registry, issues } = readRegistry(value, environment);
    assert.equal(registry, null);
    assert.doesNotMatch(JSON.stringify(issues), /hush/);
    return issues.map(({ path }) => path);
  };
  assert.deepEqual(paths({ postgres: { env: 'REGISTRY' } }), ['registry.postgres']);
  assert.deepEqual(paths({ postgres: 'mysql://asof:hush@db' }), ['registry.postgres']);
  assert.deepEqual(paths({ postgres: { env: 'R' } }, { R: 'postgres://asof:hush@db:x:y' }), [
    'registry.postgres',
  ]);
  assert.deepEqual(paths('postgres://asof:hush@db'), ['registry']);
  assert.deepEqual(paths({ postgres: URL, schema: 'a"; DROP', connections: 0, tls: true }), [
    'registry.tls',
    'registry.schema',
    'registry.connections',
  ]);
  // The channel of its changes has a longer name.
  const schema = 's'.repeat(58);
  assert.equal(readRegistry({ postgres: URL, schema }, {}).registry?.schema, schema);
  assert.deepEqual(paths({ postgres: URL, schema: `${schema}s` }), ['registry.schema']);
});

test('namespaces are a list of names, each once, or all', () => {
  assert.deepEqual(readNamespaces(null), { namespaces: null, issues: [] });
  assert.deepEqual(readNamespaces(['risk', 'fraud', 'risk']).namespaces, ['fraud', 'risk']);
  for (const wrong of [[], 'fraud', ['Fraud'], ['a.b'], [7], ['../x']]) {
    assert.deepEqual(
      readNamespaces(wrong).issues.map(({ path }) => path),
      ['namespaces'],
    );
  }
});
