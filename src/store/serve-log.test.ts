import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DiskFile } from '../base/disk.ts';
import { silentLogger } from '../base/logger.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { seededRandom } from '../base/random.ts';
import { type ServedAnswer, ServeLogWriter } from './serve-log.ts';
import { newestAnswers } from './serve-log-reader.ts';

const DAY_MS = 86_400_000;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asof-served-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function answerAt(asOfMs: number, commit: number): ServedAnswer {
  const values = { n: commit };
  const statuses = { n: 'present' } as const;
  return { service: 'svc', version: 1, key: { user: 'a' }, asOfMs, commit, values, statuses };
}

function writerOn(disk: NodeDisk, bytesMax?: number): ServeLogWriter {
  return new ServeLogWriter({
    disk,
    rate: 1,
    random: seededRandom(1),
    logger: silentLogger,
    later: (task) => task(),
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
}

function commits(answers: readonly ServedAnswer[]): number[] {
  return answers.map((answer) => answer.commit);
}

/** A full disk: files open, and nothing can be appended. */
class FullDisk extends NodeDisk {
  open = 0;

  override openAppend(path: string): DiskFile {
    const file = super.openAppend(path);
    this.open += 1;
    return {
      length: 0,
      append: () => {
        throw new Error('no space left');
      },
      sync: () => file.sync(),
      close: () => {
        this.open -= 1;
        file.close();
      },
    };
  }
}

class CountingDisk extends NodeDisk {
  readonly reads: string[] = [];

  override read(path: string): Uint8Array<ArrayBuffer> {
    this.reads.push(path);
    return super.read(path);
  }
}

test('a disk that fails to write keeps no files open', async (t) => {
  const disk = new FullDisk(folderOf(t));
  const writer = writerOn(disk);
  for (let i = 0; i < 50; i += 1) writer.offer(answerAt(1_000, i));
  assert.equal(disk.open, 0);
  assert.equal(writer.stats().dropped, 50);
  await writer.close();
});

test('damaged lines are counted and passed over, whatever is in them', async (t) => {
  const folder = folderOf(t);
  const disk = new NodeDisk(folder);
  const first = writerOn(disk);
  first.offer(answerAt(1_000, 1));
  await first.close();
  const path = join(folder, '1970-01-01.ndjson');
  appendFileSync(path, '{"service":"svc","ver\n\0\0\0\n\n7\nnull\n{"service":"svc"}\n');
  const second = writerOn(disk);
  second.offer(answerAt(1_001, 2));
  await second.close();
  // The line that is still being written is no damage.
  appendFileSync(path, '{"service":"svc"');
  const { answers, damaged } = newestAnswers(disk, 10);
  assert.deepEqual(commits(answers), [1, 2]);
  assert.equal(damaged, 6);
});

test('what an answer says nothing of is read back with it', async (t) => {
  const disk = new NodeDisk(folderOf(t));
  const log = writerOn(disk);
  const whole = answerAt(1_000, 1);
  const request = { x: 2n ** 60n, note: null };
  const part = { ...answerAt(1_001, 2), request, unknown: ['n', 'of "others"'] };
  for (const answer of [whole, part]) log.offer(answer);
  await log.close();
  assert.deepEqual(newestAnswers(disk, 10).answers, [whole, part]);
});

test('the newest answers are read, and no older day than they need', async (t) => {
  const disk = new CountingDisk(folderOf(t));
  const writer = writerOn(disk);
  for (let i = 0; i < 12; i += 1) writer.offer(answerAt(Math.floor(i / 4) * DAY_MS + i, i));
  await writer.close();
  disk.reads.length = 0;
  assert.deepEqual(commits(newestAnswers(disk, 3).answers), [9, 10, 11]);
  assert.deepEqual(disk.reads, ['./1970-01-03.ndjson']);
  assert.deepEqual(commits(newestAnswers(disk, 6).answers), [6, 7, 8, 9, 10, 11]);
  assert.deepEqual(commits(newestAnswers(disk, 100).answers), [...Array(12).keys()]);
  assert.deepEqual(newestAnswers(disk, 0).answers, []);
});

test('the oldest days give way before the log grows past its bound', async (t) => {
  const folder = folderOf(t);
  const disk = new NodeDisk(folder);
  const writer = writerOn(disk, 1_000);
  for (let i = 0; i < 40; i += 1) {
    writer.offer(answerAt(Math.floor(i / 2) * DAY_MS, i));
    const bytes = readdirSync(folder).reduce((sum, name) => sum + disk.size(name), 0);
    assert.ok(bytes <= 1_000, `${bytes} bytes after answer ${i}`);
  }
  await writer.close();
  const kept = commits(newestAnswers(disk, 100).answers);
  assert.ok(kept.length >= 4, String(kept));
  assert.deepEqual(kept, [...Array(40).keys()].slice(-kept.length));
});
