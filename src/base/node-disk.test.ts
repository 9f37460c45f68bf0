import assert from 'node:assert/strict';
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { mock, test } from 'node:test';
import { makeDurableFolder, NodeDisk } from './node-disk.ts';

/** The folders that are synced meanwhile, relative to one of them. */
function syncedBy(base: string, work: () => void): string[] {
  const paths = new Map<number, string>();
  const synced: string[] = [];
  const { openSync, fsyncSync } = fs;
  mock.method(fs, 'openSync', (path: string, flags: string) => {
    const handle = openSync(path, flags);
    paths.set(handle, path);
    return handle;
  });
  mock.method(fs, 'fsyncSync', (handle: number) => {
    synced.push(relative(base, paths.get(handle) ?? '') || '.');
    fsyncSync(handle);
  });
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    mock.restoreAll();
    syncBuiltinESMExports();
  }
  return synced.sort();
}

test('each new folder is synced in its parent, so that power loss takes none of them', () => {
  const base = mkdtempSync(join(tmpdir(), 'asof-disk-'));
  try {
    const root = join(base, 'deep', 'data');
    assert.deepEqual(
      syncedBy(base, () => makeDurableFolder(root)),
      ['.', 'deep'],
    );
    assert.deepEqual(
      syncedBy(base, () => makeDurableFolder(root)),
      [],
    );
    const disk = new NodeDisk(root);
    const levels = ['deep/data', 'deep/data/dead'];
    assert.deepEqual(
      syncedBy(base, () => disk.makeFolder('dead/clicks')),
      levels,
    );
    // Another process may have died between creating and syncing them.
    assert.deepEqual(
      syncedBy(base, () => disk.makeFolder('dead/clicks')),
      levels,
    );
    const early = new NodeDisk(join(base, 'early'));
    assert.deepEqual(
      syncedBy(base, () => early.makeFolder('log')),
      ['.', 'early'],
    );
  } finally {
    rmSync(base, { recursive: true });
  }
});
