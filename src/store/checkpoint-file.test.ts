import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { open } from 'lmdb';
import { ByteWriter } from '../base/bytes.ts';
import { CheckpointFile } from './checkpoint-file.ts';
import { type CheckpointMeta, DELETED, decodeMeta, encodeMeta } from './checkpoint-format.ts';
import {
  type CheckpointWriter,
  InlineCheckpointWriter,
  ThreadCheckpointWriter,
} from './checkpoint-writer.ts';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asof-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function chunkOf(rows: readonly (readonly [group: number, row: number, text: string | null])[]) {
  const writer = new ByteWriter();
  for (const [group, row, text] of rows) {
    const bytes = Buffer.from(text ?? '');
    writer.u32(group);
    writer.u32(row);
    writer.u32(text === null ? DELETED : bytes.length);
    writer.raw(bytes);
  }
  return writer.bytes();
}

function metaAt(commit: number, generation: number): CheckpointMeta {
  return {
    format: 1,
    generation,
    position: { commit, newestArrivalMs: commit * 10, sources: {} },
    groups: [
      { id: 'a', rows: 2, rowBound: 8 },
      { id: 'b', rows: 1, rowBound: 8 },
    ],
  };
}

function textsOf(file: CheckpointFile, group: string): string[] {
  const texts: string[] = [];
  for (const { row, bytes } of file.readRows(group, 8)) texts.push(`${row}:${Buffer.from(bytes)}`);
  return texts;
}

async function writeTwice(folder: string, writer: CheckpointWriter): Promise<void> {
  writer.add(
    chunkOf([
      [0, 1, 'one'],
      [1, 2, 'two'],
    ]),
  );
  writer.add(chunkOf([[0, 5, 'five']]));
  const first = await writer.commit({ meta: metaAt(3, 1), baseCommit: 0, dropped: [] });
  assert.deepEqual(first, { puts: 3, deletes: 0 });
  writer.add(
    chunkOf([
      [0, 1, null],
      [0, 5, 'FIVE'],
    ]),
  );
  const second = await writer.commit({ meta: metaAt(4, 1), baseCommit: 3, dropped: [] });
  assert.deepEqual(second, { puts: 1, deletes: 1 });
  await assert.rejects(writer.commit({ meta: metaAt(5, 1), baseCommit: 3, dropped: [] }), {
    code: 'directory_in_use',
  });
  await writer.close();
  const file = CheckpointFile.open(folder);
  assert.deepEqual(file.readMeta(), metaAt(4, 1));
  assert.deepEqual(textsOf(file, 'a'), ['5:FIVE']);
  assert.deepEqual(textsOf(file, 'b'), ['2:two']);
  await file.close();
}

test('a checkpoint is all or nothing, on the calling thread', async (t) => {
  const folder = temporaryFolder(t);
  const file = CheckpointFile.open(folder);
  assert.equal(file.readMeta(), null);
  assert.equal(file.claim().generation, 1);
  await writeTwice(folder, new InlineCheckpointWriter(file));
});

test('a checkpoint is all or nothing, on a thread of its own', async (t) => {
  const folder = temporaryFolder(t);
  const file = CheckpointFile.open(folder);
  file.claim();
  await file.close();
  await writeTwice(folder, new ThreadCheckpointWriter(folder));
});

test('an older generation is refused after a takeover', async (t) => {
  const folder = temporaryFolder(t);
  const old = CheckpointFile.open(folder);
  const oldMeta = old.claim();
  const next = CheckpointFile.open(folder);
  const nextMeta = next.claim();
  assert.equal(nextMeta.generation, oldMeta.generation + 1);
  const chunks = [chunkOf([[0, 1, 'late']])];
  assert.throws(
    () => old.write(chunks, { meta: metaAt(1, oldMeta.generation), baseCommit: 0, dropped: [] }),
    { code: 'directory_in_use' },
  );
  next.write([], { meta: metaAt(2, nextMeta.generation), baseCommit: 0, dropped: [] });
  assert.deepEqual(textsOf(next, 'a'), []);
  await next.close();
  await old.close();
});

test('a group that is dropped leaves no rows', async (t) => {
  const file = CheckpointFile.open(temporaryFolder(t));
  file.claim();
  file.write(
    [
      chunkOf([
        [0, 1, 'x'],
        [1, 1, 'y'],
      ]),
    ],
    {
      meta: metaAt(1, 1),
      baseCommit: 0,
      dropped: [],
    },
  );
  const meta = { ...metaAt(2, 1), groups: [{ id: 'b', rows: 1, rowBound: 2 }] };
  file.write([], { meta, baseCommit: 1, dropped: ['a'] });
  assert.deepEqual(textsOf(file, 'a'), []);
  assert.deepEqual(textsOf(file, 'b'), ['1:y']);
  await file.close();
});

test('a damaged row is reported, never guessed', async (t) => {
  const folder = temporaryFolder(t);
  const file = CheckpointFile.open(folder);
  file.claim();
  file.write([chunkOf([[0, 1, 'sound']])], { meta: metaAt(1, 1), baseCommit: 0, dropped: [] });
  await file.close();
  const root = open({ path: folder, encoding: 'binary', maxDbs: 16, overlappingSync: false });
  const rows = root.openDB<Buffer, number>('group:a', {
    encoding: 'binary',
    keyEncoding: 'uint32',
  });
  const stored = Buffer.from(rows.getBinary(1) ?? []);
  stored[0] = (stored[0] ?? 0) ^ 1;
  rows.putSync(1, stored);
  await root.close();
  const damaged = CheckpointFile.open(folder);
  assert.throws(() => textsOf(damaged, 'a'), { code: 'corrupt_state' });
  await damaged.close();
});

test('a state folder that is no database, or cut short, is corrupt', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'data.mdb'), Buffer.alloc(16_384, 0x5a));
  assert.throws(() => CheckpointFile.open(folder), { code: 'corrupt_state' });
  const cut = temporaryFolder(t);
  const file = CheckpointFile.open(cut);
  file.claim();
  file.write([chunkOf([[0, 1, 'x'.repeat(100_000)]])], {
    meta: metaAt(1, 1),
    baseCommit: 0,
    dropped: [],
  });
  await file.close();
  truncateSync(join(cut, 'data.mdb'), 16_384);
  assert.throws(() => CheckpointFile.open(cut), { code: 'corrupt_state' });
});

test('meta of a newer format, or of no form, is told apart', () => {
  const newer = encodeMeta({ ...metaAt(1, 1), format: 2 });
  assert.throws(() => decodeMeta(newer), { code: 'newer_format' });
  for (const text of ['', 'null', '{}', '{"format":1}', '{"format":1,"generation":1}']) {
    assert.throws(() => decodeMeta(new TextEncoder().encode(text)), { code: 'corrupt_state' });
  }
  assert.deepEqual(decodeMeta(encodeMeta(metaAt(7, 2))), metaAt(7, 2));
});
