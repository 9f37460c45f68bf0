import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../base/limits.ts';
import { AnswerBytes } from './answer-bytes.ts';
import { ByteRooms } from './byte-rooms.ts';

const LARGE = 3 * LIMITS.answerRoomBytes;

test('no two answers lie in one room at a time, however often rooms are given back', () => {
  const step = fc.record({ take: fc.boolean(), bytes: fc.nat(LARGE), at: fc.nat(7) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const rooms = new ByteRooms();
      const out: Buffer[] = [];
      const gone: Buffer[] = [];
      for (const { take, bytes, at } of steps) {
        if (take) {
          const room = rooms.take(bytes);
          assert.ok(room.length >= bytes);
          assert.ok(out.every((other) => other.buffer !== room.buffer));
          out.push(room);
        } else {
          const [left] = out.splice(at, 1);
          if (left !== undefined) gone.push(left);
          // The second time is a mistake, and changes nothing.
          for (const answer of [left, gone[at]]) {
            if (answer !== undefined && !out.some((one) => one.buffer === answer.buffer)) {
              rooms.give(answer.subarray(1));
            }
          }
        }
      }
    }),
  );
});

test('a room is used again; memory of others never is', () => {
  const rooms = new ByteRooms();
  const first = rooms.take(100);
  rooms.give(first.subarray(0, 3));
  assert.equal(rooms.take(LIMITS.answerRoomBytes).buffer, first.buffer);
  rooms.give(Buffer.alloc(LIMITS.answerRoomBytes));
  assert.notEqual(rooms.take(1).buffer, first.buffer);
});

test('bytes are put together as they came, through any number of larger rooms', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 200 }),
    fc.nat({ max: 255 }),
    fc.uint8Array({ maxLength: LIMITS.answerRoomBytes }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const bytes = new AnswerBytes(0);
      for (const one of parts) {
        if (typeof one === 'string') bytes.text(one);
        else if (typeof one === 'number') bytes.byte(one);
        else bytes.piece(one);
      }
      const expected = parts.map((one) =>
        typeof one === 'string'
          ? Buffer.from(one, 'latin1')
          : Buffer.from(typeof one === 'number' ? [one] : one),
      );
      assert.ok(bytes.end().equals(Buffer.concat(expected)));
    }),
    { numRuns: 50 },
  );
});
