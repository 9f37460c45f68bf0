import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { scanFiles } from './scan.ts';

const WRITE = `
const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
db.exec("INSERT INTO t VALUES ('from elsewhere')");
db.close();
`;

test('a search through the files keeps the locks of databases that are open here', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'asof-scan-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const path = join(dataDir, 'registry.db');
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES ('forgotten-one')");
  const session = await DuckDbSession.open();
  try {
    const subjects = [{ entity: 'user', values: ['forgotten-one'] }];
    const { hits, unread } = await scanFiles({
      dataDir,
      session,
      subjects,
      gone: [],
      sinceMs: null,
    });
    // In the log of writes: it is not in the file itself yet.
    assert.deepEqual([hits, unread], [['registry.db-wal'], []]);
    assert.deepEqual(readdirSync(join(dataDir, 'spill')), []);
    // Another process writes and closes: without our lock it would take the log away under us.
    for (const _ of [1, 2]) execFileSync(process.execPath, ['-e', WRITE, path]);
    assert.ok(existsSync(`${path}-wal`), 'the log of writes is still there');
    assert.equal(db.prepare('SELECT count(*) AS n FROM t').get()?.n, 3);
  } finally {
    session.close();
    db.close();
  }
});
