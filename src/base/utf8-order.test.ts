import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareUtf8 } from './utf8-order.ts';

test('strings order as their UTF-8 bytes do', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'z', 'ß', '가', '\uffff', '\ue000', '😀', '𐀀'),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareUtf8(a, b)), bytes);
    }),
  );
});
