import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { canonicalJson } from '../plan/canonical.ts';
import { compileProject } from '../plan/compile.ts';
import { fraud } from '../plan/sample-shop.fixture.ts';
import { openDatabase } from './open-database.ts';
import { Registry } from './registry.ts';

const clock = { nowMs: () => 5 };

/** The statements by which the second format was made. */
const FORMATS = [
  `CREATE TABLE definitions (
     kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
     body TEXT NOT NULL, first_applied_ms INTEGER NOT NULL,
     PRIMARY KEY (kind, name, version)
   ) STRICT;
   CREATE TABLE applies (
     generation INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL, author TEXT NOT NULL,
     plan TEXT NOT NULL, summary TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE datasets (
     name TEXT NOT NULL, number INTEGER NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('building', 'live', 'deleted')),
     created_ms INTEGER NOT NULL, author TEXT NOT NULL, generation INTEGER NOT NULL,
     through_commit INTEGER NOT NULL, manifest TEXT, deleted_ms INTEGER,
     PRIMARY KEY (name, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE validations (
     id INTEGER PRIMARY KEY, view TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
     against_hash TEXT, result TEXT NOT NULL CHECK (result IN ('pass', 'warn', 'fail')),
     created_ms INTEGER NOT NULL, report TEXT NOT NULL
   ) STRICT;
   CREATE INDEX validations_of_hash ON validations (hash, against_hash, id);
   CREATE TABLE releases (
     id INTEGER PRIMARY KEY, service TEXT NOT NULL, action TEXT NOT NULL,
     live INTEGER NOT NULL, before INTEGER,
     canary INTEGER, canary_ppm INTEGER NOT NULL,
     at_ms INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT, evidence TEXT NOT NULL
   ) STRICT;
   CREATE INDEX releases_of_service ON releases (service, id);
   CREATE TABLE takeovers (
     id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, at_ms INTEGER NOT NULL,
     through_commit INTEGER NOT NULL
   ) STRICT;`,
];

/** A file as an asof of that format left it. */
function file(t: TestContext, format: number, rows: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'asof-registry-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const db = new DatabaseSync(path);
  for (const statements of FORMATS.slice(0, format)) db.exec(statements);
  db.exec(`${rows}; PRAGMA user_version = ${format}; PRAGMA journal_mode = WAL`);
  db.close();
  return path;
}

test('a registry of the first format is brought to the newest, with what it holds', async (t) => {
  const path = file(t, 1, `INSERT INTO definitions VALUES ('view', 'use', 1, 'abc', '{}', 7)`);
  const registry = await Registry.open({ kind: 'sqlite', path }, clock);
  assert.deepEqual(await registry.datasets.list(), []);
  assert.equal(await registry.releases.newestId(), 0);
  assert.deepEqual(await registry.viewVersions('use'), [1]);
  await registry.close();
});

test('of the second format, plans, releases, datasets, validations and takeovers are found', async (t) => {
  const plan = compileProject([fraud]);
  const text = canonicalJson(plan).replaceAll("'", "''");
  const path = file(
    t,
    2,
    `INSERT INTO applies VALUES (1, 10, 'ada', '${text}', '{}'), (2, 20, 'bob', '${text}', '{}');
     INSERT INTO releases VALUES (4, 'fraud', 'publish', 1, NULL, NULL, 0, 11, 'ada', NULL, '{}');
     INSERT INTO datasets VALUES ('d', 3, 'building', 12, 'ada', 1, 7, NULL, NULL);
     INSERT INTO validations VALUES (9, 'use', 1, 'h', NULL, 'warn', 13, '{"a":1}');
     INSERT INTO takeovers VALUES (1, 2, 21, 5)`,
  );
  // Twice: what was brought forward is what is there from then on.
  for (const _ of [1, 2]) {
    const registry = await Registry.open({ kind: 'sqlite', path }, clock);
    const current = await registry.current();
    assert.deepEqual([current?.generation, current?.author], [2, 'bob']);
    assert.equal(canonicalJson(current?.plan), canonicalJson(plan));
    assert.equal(canonicalJson(await registry.planOf(1)), canonicalJson(plan));
    assert.deepEqual(
      (await registry.history()).map((one) => [one.generation, one.appliedMs]),
      [
        [1, 10],
        [2, 20],
      ],
    );
    assert.equal((await registry.releases.of('fraud'))?.id, 4);
    assert.deepEqual(
      (await registry.datasets.claims()).map(({ name, number, state }) => [name, number, state]),
      [['d', 3, 'building']],
    );
    assert.equal((await registry.validations.newest('h', null))?.report, '{"a":1}');
    assert.equal(await registry.generationServed(), 2);
    await registry.close();
  }
});

test('a newer format is refused, by the number of a file as by a step that is not known', async (t) => {
  const path = file(t, 2, `INSERT INTO takeovers VALUES (1, 2, 21, 5)`);
  const db = await openDatabase({ kind: 'sqlite', path });
  await db.insertInto('asof_migrations').values({ name: '999-future' }).execute();
  await db.destroy();
  await assert.rejects(openDatabase({ kind: 'sqlite', path }), {
    code: 'newer_format',
    message: /999-future/,
  });
  const future = file(t, 2, 'SELECT 1');
  const raw = new DatabaseSync(future);
  raw.exec('PRAGMA user_version = 99');
  raw.close();
  await assert.rejects(openDatabase({ kind: 'sqlite', path: future }), { code: 'newer_format' });
  assert.equal(new DatabaseSync(future).prepare('SELECT count(*) AS n FROM applies').get()?.n, 0);
});

test('a file that is no registry, or is damaged, is an error that says what to do', async (t) => {
  const path = file(t, 2, 'SELECT 1');
  writeFileSync(path, 'this is not a database, whatever its name says, and it is long enough');
  await assert.rejects(openDatabase({ kind: 'sqlite', path }), {
    code: 'registry_damaged',
    remedy: /restore the registry from a copy/,
  });
});
