import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DedupeIndex, type DedupeLimits } from './dedupe-index.ts';

interface Taken {
  readonly id: string;
  readonly arrivalMs: number;
}

const isDuplicate = (taken: readonly Taken[], event: Taken, horizonMs: number): boolean =>
  taken.some(({ id, arrivalMs }) => id === event.id && event.arrivalMs - arrivalMs <= horizonMs);

const id = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'é', 'Ā', '😀'),
  fc.nat({ max: 200 }).map((n) => `id-${n}`),
);
const step = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ kind: fc.constant('claim'), id, jump: fc.integer({ min: -3, max: 6 }) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'confirm' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'rollback' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

test('claims are those of a list that is searched from end to end, whatever is let go', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.integer({ min: 0, max: 60 }),
      fc.boolean(),
      (steps, horizonMs, inOrder) => {
        const limits = { ids: 1_000, idsKept: 8 };
        let index = new DedupeIndex(horizonMs, limits);
        let durable: Taken[] = [];
        let pending: Taken[] = [];
        let nowMs = 1_000;
        const newest = (): number => Math.max(-1, ...durable.map(({ arrivalMs }) => arrivalMs));
        for (const action of steps) {
          if ('jump' in action) {
            const arrivalMs = nowMs + (inOrder ? Math.abs(action.jump) : action.jump * 20);
            nowMs = Math.max(nowMs, inOrder ? arrivalMs : nowMs + Math.abs(action.jump));
            const event = { id: action.id, arrivalMs };
            const expected = isDuplicate([...durable, ...pending], event, horizonMs);
            const claim = index.claim(event.id, arrivalMs);
            if (claim === 'forgotten') assert.ok(!inOrder && arrivalMs < newest());
            else assert.equal(claim, expected ? 'duplicate' : 'fresh');
            if (claim === 'fresh') pending.push(event);
          } else if (action.kind === 'confirm') {
            durable = [...durable, ...pending];
            index.confirm(pending.length, newest());
            pending = [];
          } else if (action.kind === 'rollback') {
            pending = [];
            index.rollback();
          } else {
            pending = [];
            const writer = new ByteWriter();
            index.encode(writer);
            index = new DedupeIndex(horizonMs, limits);
            index.decode(new ByteReader(writer.bytes()));
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('a full index says so, takes nothing, and has room again when ids grow old', () => {
  const index = new DedupeIndex(100, { ids: 50, idsKept: 1 });
  for (let i = 0; i < 50; i++) assert.equal(index.claim(`${i}`, i), 'fresh');
  assert.equal(index.claim('x', 60), 'full');
  assert.equal(index.claim('7', 60), 'duplicate');
  index.confirm(50, 49);
  assert.equal(index.claim('x', 100), 'full');
  assert.equal(index.claim('x', 120), 'fresh');
  assert.equal(index.size, 31);
  // Whoever comes late to what was let go so early gets no false verdict.
  assert.equal(index.claim('3', 90), 'forgotten');
  index.confirm(1, 200);
  index.rollback();
  assert.equal(index.claim('y', 200), 'fresh');
});

test('ids that are old stay known while there are few', () => {
  const index = new DedupeIndex(10, { ids: 1000, idsKept: 500 });
  for (let i = 0; i < 300; i++) {
    assert.equal(index.claim(`${i}`, i * 10), 'fresh');
    index.confirm(1, i * 10);
  }
  assert.equal(index.claim('0', 5), 'duplicate');
  assert.equal(index.claim('new', 5), 'fresh');
});

/** As a restart does it, with the horizon that is declared then. */
function reopened(index: DedupeIndex, horizonMs: number, limits: DedupeLimits): DedupeIndex {
  const writer = new ByteWriter();
  index.encode(writer);
  const next = new DedupeIndex(horizonMs, limits);
  next.decode(new ByteReader(writer.bytes()));
  return next;
}

test('a longer horizon applies from the change on, and refuses nothing that is new', () => {
  const limits = { ids: 1_000, idsKept: 4 };
  const before = new DedupeIndex(100, limits);
  for (let i = 0; i < 400; i++) {
    assert.equal(before.claim(`${i}`, i * 10), 'fresh');
    before.confirm(1, i * 10);
  }
  const after = reopened(reopened(before, 1_000, limits), 1_000, limits);
  assert.equal(after.claim('new', 3_990), 'fresh');
  assert.equal(after.claim('399', 4_800), 'duplicate', 'what is known counts for longer');
  assert.equal(
    after.claim('10', 4_000),
    'fresh',
    'what was let go by the old rule is no duplicate',
  );
  assert.equal(after.claim('10', 4_900), 'duplicate');
  assert.equal(after.claim('early', 3_981), 'fresh');
  assert.equal(after.claim('too early', 3_980), 'forgotten');
  after.confirm(after.pending, 4_900);
  const shorter = reopened(after, 50, limits);
  assert.equal(shorter.claim('early again', 3_941), 'fresh', 'a shorter one applies at once');
});

test('an index of the first encoding lets in what is new under a longer horizon', () => {
  const limits = { ids: 1_000, idsKept: 4 };
  const before = new DedupeIndex(100, limits);
  for (let i = 0; i < 400; i++) {
    before.claim(`${i}`, i * 10);
    before.confirm(1, i * 10);
  }
  const writer = new ByteWriter();
  before.encode(writer);
  const bytes = writer.bytes();
  const first = Uint8Array.from([...bytes.subarray(0, 16), ...bytes.subarray(24)]);
  const after = new DedupeIndex(1_000, limits);
  after.decode(new ByteReader(first), 1);
  assert.equal(after.claim('new', 3_990), 'fresh');
  assert.equal(after.claim('399', 4_000), 'duplicate');
  assert.equal(after.claim('early', 3_989), 'forgotten');
});

test('an id costs what is stated: at most 50 bytes and twice its characters, four times if wide', () => {
  for (const count of [1_000, 4_097, 20_000]) {
    for (const length of [1, 16, 36]) {
      for (const [letter, width] of [
        ['a', 1],
        ['\u65e5', 2],
      ] as const) {
        const index = new DedupeIndex(1_000);
        for (let i = 0; i < count; i++) {
          const id = `${i}`.padStart(length, letter);
          assert.equal(index.claim(id, i), 'fresh');
        }
        index.confirm(count, count);
        const characters = Math.max(length, `${count}`.length);
        const bound = 50 + 2 * width * (characters + 1);
        const each = index.bytes / count;
        assert.ok(each <= bound, `${each} bytes for ids of ${length} characters, ${count} of them`);
        // Read again it is no larger, nor after a claim that was taken back.
        const writer = new ByteWriter();
        index.encode(writer);
        const again = new DedupeIndex(1_000);
        again.decode(new ByteReader(writer.bytes()));
        assert.deepEqual([again.size, again.bytes / count <= bound], [count, true]);
      }
    }
  }
});
