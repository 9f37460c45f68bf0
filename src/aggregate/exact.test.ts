import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import {
  addSquare,
  addToPair,
  addWideSquare,
  bigOf,
  bigOfThree,
  powerOfTen,
  splitWide,
  WORD,
} from './exact.ts';
import { quantize } from './quantize.ts';
import { readPair, readWord, writePair, writeWord } from './word-codec.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    1,
    -1,
    MAX,
    -MAX,
    2 ** 26,
    -(2 ** 26),
    2 ** 27 + 1,
    2 ** 52,
    2 ** 53 - 2 ** 26,
  ),
);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test('a pair of words sums any integers exactly, through every carry and cancellation', () => {
  fc.assert(
    fc.property(fc.array(integer, { maxLength: 50 }), (values) => {
      const words = new Float64Array(2);
      for (const value of values) addToPair(words, 0, value);
      const sum = values.reduce((total, value) => total + BigInt(value), 0n);
      assert.equal(bigOf(words[0] as number, words[1] as number), sum);
      assert.ok(Math.abs(words[1] as number) < WORD);
    }),
  );
});

test('three words sum squares exactly, narrow and wide', () => {
  fc.assert(
    fc.property(fc.array(integer), fc.array(int64, { maxLength: 5 }), (narrow, wide) => {
      const words = new Float64Array(3);
      for (const value of narrow) addSquare(words, 0, value);
      const highs = new Float64Array(wide.length);
      const lows = new Float64Array(wide.length);
      splitWide(BigInt64Array.from(wide), wide.length, highs, lows);
      for (let i = 0; i < wide.length; i++) {
        addWideSquare(words, 0, highs[i] as number, lows[i] as number);
      }
      const sum = [...narrow.map(BigInt), ...wide].reduce(
        (total, value) => total + value ** 2n,
        0n,
      );
      const [high = 0, middle = 0, low = 0] = words;
      assert.equal(bigOfThree(high, middle, low), sum);
      for (const word of words) assert.ok(word >= 0);
      assert.ok(middle < WORD && low < WORD, 'the words are canonical');
    }),
  );
});

test('int64 values split into the only canonical pair', () => {
  const edges = [0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 1n - 2n ** 53n, 2n ** 63n - 1n];
  fc.assert(
    fc.property(fc.oneof(int64, fc.constantFrom(...edges)), (value) => {
      const highs = new Float64Array(1);
      const lows = new Float64Array(1);
      splitWide(BigInt64Array.of(value), 1, highs, lows);
      assert.equal(highs[0], Number(value / 2n ** 53n));
      assert.equal(lows[0], Number(value % 2n ** 53n));
    }),
  );
});

test('words of every kind read back from their bytes', () => {
  const word = fc.oneof(integer, fc.double({ noNaN: true }));
  fc.assert(
    fc.property(word, fc.integer({ min: -2000, max: 2000 }), integer, (value, hi, lo) => {
      const writer = new ByteWriter();
      writeWord(writer, value);
      writePair(writer, hi, lo);
      const reader = new ByteReader(writer.bytes());
      assert.equal(readWord(reader), value + 0);
      const words = new Float64Array(2);
      readPair(reader, words, 0);
      assert.equal(bigOf(words[0] as number, words[1] as number), bigOf(hi, lo));
      assert.equal(reader.remaining, 0);
    }),
  );
});

test('powers of ten are exact', () => {
  for (let i = 0; i <= 22; i++) assert.equal(BigInt(powerOfTen(i)), 10n ** BigInt(i));
});

test('quantizing rounds half to even and refuses what leaves 2^53', () => {
  const cases: [number, number, number][] = [
    [2.5, 0, 2],
    [3.5, 0, 4],
    [-2.5, 0, -2],
    [-1.5, 0, -2],
    [-0.5, 0, 0],
    [0.125, 2, 12],
    [0.375, 2, 38],
    [1.005, 2, 100],
    [MAX, 0, MAX],
    [2 ** 53, 0, Number.NaN],
    [-(2 ** 53), 0, Number.NaN],
    [9e9, 6, 9e15],
    [1e10, 6, Number.NaN],
    [Number.POSITIVE_INFINITY, 6, Number.NaN],
    [Number.NaN, 6, Number.NaN],
    [1e308, 6, Number.NaN],
    [5e-324, 15, 0],
  ];
  for (const [x, scale, expected] of cases) {
    assert.ok(Object.is(quantize(x, scale), expected), `quantize(${x}, ${scale})`);
  }
});
