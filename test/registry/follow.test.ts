import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { RegistryFollower, type RegistryWorld } from '../../src/app/registry-follower.ts';
import { registryWorld } from '../../src/app/registry-world.ts';
import { SNAPSHOT_FILE, withRegistry } from '../../src/app/with-registry.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { pause } from '../../src/base/pause.ts';
import type { RegistryStatus } from '../../src/monitor/status.ts';
import { canonicalJson } from '../../src/plan/canonical.ts';
import { PgliteServer } from '../../src/registry/pglite-server.fixture.ts';
import { type RegistrySnapshot, snapshotText } from '../../src/registry/snapshot.ts';
import { projectOf } from './projects.ts';

const author = 'ada';
const plan = (a: number) => projectOf({ namespace: 'fraud', views: { a } });

function configOf(t: TestContext, url: string | null = null): Config {
  const folder = mkdtempSync(join(tmpdir(), 'asof-follow-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const registry = url === null ? {} : { registry: { postgres: { env: 'REGISTRY' } } };
  writeFileSync(join(folder, 'asof.json'), JSON.stringify(registry));
  return loadConfig(folder, {}, url === null ? {} : { REGISTRY: url });
}

class Watcher {
  readonly states: RegistryStatus[] = [];
  readonly seen: RegistrySnapshot[] = [];
  readonly #world: RegistryWorld;
  follower: RegistryFollower | null = null;

  constructor(t: TestContext, config: Config, change: Partial<RegistryWorld> = {}) {
    const onState = (status: RegistryStatus): void => void this.states.push(status);
    const world = registryWorld(config, { logger: silentLogger, onState });
    // As often as in a day, in a second.
    const soon: RegistryWorld['pause'] = (ms, signal) => pause(Math.min(ms, 20), signal);
    this.#world = { ...world, pause: soon, ...change };
    t.after(() => this.follower?.stop());
  }

  async start(): Promise<RegistryFollower> {
    this.follower = await RegistryFollower.start(this.#world);
    this.follower.follow(async (snapshot) => void this.seen.push(snapshot));
    return this.follower;
  }

  get generations(): number[] {
    return this.seen.map(({ applied }) => applied?.generation ?? 0);
  }

  async until(what: () => boolean): Promise<void> {
    for (let waited = 0; !what(); waited += 20) {
      assert.ok(waited < 30_000, `never: ${what}, ${JSON.stringify(this.states)}`);
      await pause(20);
    }
  }
}

async function publish(config: Config): Promise<void> {
  await withRegistry(config, ({ releases }) =>
    releases.publish({
      ...{ service: 'fraud.a', version: 1, canaryPpm: null, liveBefore: 1 },
      ...{ atMs: 5, author, reason: null, evidence: {} },
    }),
  );
}

test('what is applied and published is seen, each part when it changes', async (t) => {
  const config = configOf(t);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(1), author }));
  const watcher = new Watcher(t, config);
  const follower = await watcher.start();
  assert.equal(follower.snapshot.applied?.generation, 1);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(2), author }));
  await watcher.until(() => watcher.seen.length === 1);
  assert.equal(canonicalJson(watcher.seen[0]?.applied?.plan), canonicalJson(plan(2)));
  assert.deepEqual(watcher.seen[0]?.releases, []);
  await withRegistry(config, (registry) =>
    registry.apply({
      plan: projectOf({ namespace: 'fraud', views: { a: 2, b: 1 } }),
      author,
    }),
  );
  await watcher.until(() => watcher.seen.length === 2);
  assert.deepEqual(watcher.generations, [2, 3]);
  const { applied } = follower.snapshot;
  await withRegistry(config, ({ releases }) =>
    releases.publish({
      ...{ service: 'fraud.a', version: 2, canaryPpm: null, liveBefore: 2 },
      ...{ atMs: 5, author, reason: null, evidence: {} },
    }),
  );
  await watcher.until(() => watcher.seen.length === 3);
  assert.equal(follower.snapshot.applied, applied, 'what did not change is the same');
  assert.deepEqual(
    follower.snapshot.releases.map(({ live }) => live),
    [2],
  );
  assert.deepEqual(watcher.states, []);
});

test('a PostgreSQL that stops and starts again: serving goes on, and catches up', async (t) => {
  const db = await PGlite.create();
  let server = await PgliteServer.start(db);
  const { port, url } = server;
  const config = configOf(t, url);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(1), author }));
  const watcher = new Watcher(t, config);
  const follower = await watcher.start();
  assert.equal(follower.status().state, 'connected');
  await server.stop();
  await watcher.until(() => follower.status().state === 'away');
  assert.equal(follower.snapshot.applied?.generation, 1);
  assert.equal(follower.status().generation, 1);
  assert.match(follower.status().reason ?? '', /127\.0\.0\.1/);
  assert.doesNotMatch(JSON.stringify(follower.status()), /secret/);
  // A server that is started meanwhile begins with what was kept.
  const second = new Watcher(t, config);
  const late = await second.start();
  assert.deepEqual(late.status().state, 'away');
  assert.equal(canonicalJson(late.snapshot.applied), canonicalJson(follower.snapshot.applied));
  await assert.rejects(
    withRegistry(config, (registry) => registry.apply({ plan: plan(2), author })),
    (error: unknown) => {
      assert.doesNotMatch(JSON.stringify(error) + String(error), /secret/);
      return error instanceof Error && 'code' in error && error.code === 'registry_away';
    },
  );
  server = await PgliteServer.start(db, port);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(2), author }));
  for (const one of [watcher, second]) {
    await one.until(() => one.generations.includes(2));
    assert.deepEqual(
      one.states.map(({ state }) => state),
      ['away', 'connected'],
    );
  }
  await follower.stop();
  await late.stop();
  await server.stop();
  await db.close();
});

test('PostgreSQL tells of changes: there is no waiting for the next look', async (t) => {
  const db = await PGlite.create();
  const server = await PgliteServer.start(db);
  const config = configOf(t, server.url);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(1), author }));
  // Until somebody wakes it, it sleeps.
  const asleep: RegistryWorld['pause'] = (_ms, signal) => pause(2 ** 30, signal);
  const watcher = new Watcher(t, config, { pause: asleep });
  const follower = await watcher.start();
  await pause(500);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(2), author }));
  await watcher.until(() => watcher.generations.includes(2));
  await withRegistry(config, (registry) => registry.apply({ plan: plan(3), author }));
  await watcher.until(() => watcher.generations.includes(3));
  await follower.stop();
  await server.stop();
  await db.close();
});

test('a file that is gone, or is another one', async (t) => {
  const config = configOf(t);
  const path = join(config.dataDir, 'registry.db');
  await withRegistry(config, (registry) => registry.apply({ plan: plan(1), author }));
  await publish(config);
  const watcher = new Watcher(t, config);
  const follower = await watcher.start();
  renameSync(path, `${path}.aside`);
  await watcher.until(() => follower.status().state === 'away');
  assert.match(follower.status().reason ?? '', /is gone/);
  await assert.rejects(
    withRegistry(config, (registry) => registry.current()),
    { code: 'registry_away', remedy: /Bring it back/ },
  );
  const late = await new Watcher(t, config).start();
  assert.equal(late.snapshot.releases[0]?.live, 1);
  assert.equal(canonicalJson(late.snapshot.applied?.plan), canonicalJson(plan(1)));
  await late.stop();
  renameSync(`${path}.aside`, path);
  await withRegistry(config, (registry) =>
    registry.apply({ plan: projectOf({ namespace: 'fraud', views: { a: 1, b: 1 } }), author }),
  );
  await watcher.until(() => watcher.generations.includes(2));
  assert.deepEqual(
    watcher.states.map(({ state }) => state),
    ['away', 'connected'],
  );
});

test('a registry that was emptied is away: what is known goes on, access control too', async (t) => {
  const db = await PGlite.create();
  const server = await PgliteServer.start(db);
  const config = configOf(t, server.url);
  await withRegistry(config, async (registry) => {
    await registry.apply({ plan: plan(1), author });
  });
  const watcher = new Watcher(t, config);
  const follower = await watcher.start();
  await db.exec('DROP SCHEMA asof CASCADE');
  follower.look();
  await watcher.until(() => /is empty/.test(follower.status().reason ?? ''));
  assert.equal(follower.snapshot.applied?.generation, 1);
  const late = await new Watcher(t, config).start();
  assert.equal(late.snapshot.applied?.generation, 1);
  await assert.rejects(
    withRegistry(config, (registry) => registry.access.facts()),
    { code: 'registry_away', remedy: /remove registry-snapshot\.json/ },
  );
  await late.stop();
  await follower.stop();
  // A file of another registry says nothing of this one; nor does one in which nothing was.
  const path = join(config.dataDir, SNAPSHOT_FILE);
  writeFileSync(path, snapshotText(follower.snapshot, 'another'));
  await withRegistry(config, (registry) => registry.apply({ plan: plan(2), author }));
  const fresh = configOf(t);
  await (await new Watcher(t, fresh).start()).stop();
  await withRegistry(fresh, (registry) => registry.apply({ plan: plan(1), author }));
  await server.stop();
  await db.close();
});

test('a kept snapshot that was altered, or is of another registry, is not used', async (t) => {
  const config = configOf(t);
  const path = join(config.dataDir, SNAPSHOT_FILE);
  await withRegistry(config, (registry) => registry.apply({ plan: plan(1), author }));
  await (await new Watcher(t, config).start()).stop();
  const text = readFileSync(path, 'utf8');
  assert.match(text, /fraud\.a/);
  rmSync(join(config.dataDir, 'registry.db'));
  const start = () => new Watcher(t, config).start();
  for (const altered of [
    text.replace('"fraud.a"', '"fraud.b"'),
    text.slice(0, -20),
    '',
    'null\nnull\n',
  ]) {
    writeFileSync(path, altered);
    await assert.rejects(start(), { code: 'unreadable_file' });
  }
  writeFileSync(path, text);
  await (await start()).stop();
  const elsewhere = configOf(t, 'postgres://asof:secret@127.0.0.1:1/none');
  writeFileSync(join(config.dataDir, SNAPSHOT_FILE), text);
  const moved = { ...elsewhere, dataDir: config.dataDir };
  await assert.rejects(new Watcher(t, moved).start(), {
    code: 'unreadable_file',
    message: /is of a file of the data directory/,
  });
});
