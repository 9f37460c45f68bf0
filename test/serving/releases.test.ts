import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCanaryKey } from '../../src/serve/release-routes.ts';

const KEYS = Array.from({ length: 10_000 }, (_, i) => [`user-${i}`, i]);

function chosen(service: string, ppm: number): Set<number> {
  return new Set(KEYS.flatMap((key, i) => (isCanaryKey(service, key, ppm) ? [i] : [])));
}

test('a canary gets its share of 10 000 keys, which only grows, and another for each service', () => {
  let before = new Set<number>();
  for (const ppm of [0, 1_000, 10_000, 100_000, 250_000, 500_000, 900_000, 1_000_000]) {
    const now = chosen('fraud', ppm);
    // Five standard deviations of a fair draw.
    const share = ppm / 1_000_000;
    const tolerance = 5 * Math.sqrt((share * (1 - share)) / KEYS.length);
    assert.ok(Math.abs(now.size / KEYS.length - share) <= tolerance, `${ppm}: ${now.size}`);
    assert.ok(
      [...before].every((key) => now.has(key)),
      `${ppm} keeps the keys of less`,
    );
    before = now;
  }
  const other = chosen('credit', 100_000);
  const both = [...chosen('fraud', 100_000)].filter((key) => other.has(key));
  assert.ok(both.length < 200, `${both.length} keys are in both canaries`);
});
