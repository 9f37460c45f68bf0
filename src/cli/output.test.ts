import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import {
  count,
  EXIT,
  parseExact,
  progressLine,
  reportError,
  span,
  stringifyExact,
  table,
  wholeNumber,
} from './output.ts';

test('JSON keeps every digit of a number, both ways', () => {
  const text =
    '{"a":9007199254740993,"b":-9223372036854775808,"c":1.5,"d":7,' +
    '"e":92233720368547758.07,"f":1.50,"g":[1e+20,-0,"1.50",null]}';
  assert.equal(stringifyExact(parseExact(text)), text);
});

test('a progress line never is wider than its terminal', () => {
  for (const columns of [10, 20, 40, 60, 80, 200]) {
    for (const share of [null, -1, 0, 0.5, 1, 7]) {
      const line = progressLine('push payments', share, '1 000 000 accepted, 12 rejected', columns);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room.
      assert.ok(line.replace(/\u001b\[\d+m/g, '').length < columns, `${columns} ${share}: ${line}`);
    }
  }
  assert.match(progressLine('push', 0.5, '', 80), /█{14}░{14}.* 50 %/);
});

test('numbers and spans are written for people', () => {
  assert.equal(count(1_234_567), '1 234 567');
  assert.deepEqual([12, 999, 8_100, 90_000, 5_400_000, 200_000_000].map(span), [
    '12 ms',
    '999 ms',
    '8.1 s',
    '1.5 min',
    '1.5 h',
    '2.3 days',
  ]);
  assert.deepEqual(
    table([
      ['a', 'bcd'],
      ['xyz', 'e', ''],
    ]),
    ['a    bcd', 'xyz  e'],
  );
});

test('an option that counts takes whole numbers only', () => {
  assert.equal(wholeNumber('sample', '12'), 12);
  for (const text of ['', ' ', '-1', '1.5', 'x', '1e400']) {
    assert.throws(() => wholeNumber('sample', text), { code: 'usage', message: /--sample/ });
  }
});

test('the exit code says what kind of failure it was', (t) => {
  const silent = t.mock.method(process.stderr, 'write', () => true);
  const output = {
    json: false,
    say: () => {},
    finish: () => {},
    progress: () => ({ update: () => {}, stop: () => {} }),
  };
  const codeOf = (error: unknown): number => reportError(error, output);
  assert.equal(codeOf(new AsofError('usage', 'no')), EXIT.usage);
  assert.equal(codeOf(new AsofError('version_conflict', 'no')), EXIT.refused);
  assert.equal(codeOf(new AsofError('disk_full', 'no')), EXIT.failed);
  assert.equal(codeOf('thrown text'), EXIT.failed);
  assert.match(String(silent.mock.calls.at(-1)?.arguments[0]), /internal: thrown text/);
});
