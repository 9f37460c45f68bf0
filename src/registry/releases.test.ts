import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDatabase } from './open-database.ts';
import { ReleaseBook } from './releases.ts';

const SERVICE = 'fraud';

async function publish(book: ReleaseBook, version: number, canaryPpm: number | null = null) {
  return book.publish({
    service: SERVICE,
    version,
    canaryPpm,
    liveBefore: (await book.of(SERVICE))?.live ?? 1,
    atMs: 5,
    author: 'test',
    reason: null,
    evidence: { version },
  });
}

const back = { service: SERVICE, atMs: 6, author: 'test', reason: null };

test('publish, canary, rollback: one step back each, to the first and no further', async () => {
  const book = new ReleaseBook(await openDatabase({ kind: 'sqlite', path: ':memory:' }));
  assert.equal(await book.of(SERVICE), null);
  assert.equal(await book.rollback(back), null);
  assert.equal((await publish(book, 2)).before, 1);
  const canary = await publish(book, 3, 100_000);
  assert.deepEqual([canary.live, canary.canary, canary.canaryPpm], [2, 3, 100_000]);
  const wider = await publish(book, 3, 500_000);
  assert.deepEqual([wider.live, wider.before], [2, 1]);
  const ended = await book.rollback(back);
  assert.deepEqual([ended?.from, ended?.release.live, ended?.release.canary], [3, 2, null]);
  await publish(book, 3);
  assert.deepEqual(
    [(await book.rollback(back))?.release.live, (await book.of(SERVICE))?.before],
    [2, 1],
  );
  assert.deepEqual(
    [(await book.rollback(back))?.release.live, (await book.of(SERVICE))?.before],
    [1, null],
  );
  assert.equal(await book.rollback(back), null);
  assert.equal((await book.history(SERVICE)).length, 7);
  assert.equal(await book.newestId(), 7);
});

test('a change that was judged against another version than the live one is refused', async () => {
  const book = new ReleaseBook(await openDatabase({ kind: 'sqlite', path: ':memory:' }));
  await publish(book, 2);
  const change = { service: SERVICE, version: 3, canaryPpm: null, atMs: 1, author: 'a' };
  await assert.rejects(book.publish({ ...change, liveBefore: 1, reason: null, evidence: {} }), {
    code: 'run_conflict',
  });
  assert.equal((await book.of(SERVICE))?.live, 2);
});

test('any series of changes is what a stack of live versions says', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), version: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('canary' as const), version: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('rollback' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const book = new ReleaseBook(await openDatabase({ kind: 'sqlite', path: ':memory:' }));
      const lives: number[] = [];
      let canary: number | null = null;
      for (const one of steps) {
        if (one.kind === 'rollback') {
          const result = await book.rollback(back);
          if (canary !== null) canary = null;
          else if (lives.length > 1) lives.pop();
          else assert.equal(result, null);
        } else {
          if (lives.length === 0) lives.push(1);
          if (one.kind === 'canary') canary = one.version;
          else {
            canary = null;
            if (lives.at(-1) !== one.version) lives.push(one.version);
          }
          await publish(book, one.version, one.kind === 'canary' ? 10 : null);
        }
        const now = await book.of(SERVICE);
        assert.deepEqual(
          [now?.live, now?.before ?? undefined, now?.canary ?? null],
          [lives.at(-1), lives.at(-2), canary],
        );
      }
    }),
    { numRuns: 60 },
  );
});
