import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { trainProject, verifyProject } from '../../src/app/offline.ts';
import { parseJson } from '../../src/schema/json.ts';
import { FunctionsWorld, type Row } from './functions-world.ts';

let world: FunctionsWorld;

before(async () => {
  world = await FunctionsWorld.open();
});

after(() => world.close());

const text = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((one) => !one.includes('\0'));
const asked = fc.record({
  card: fc.constantFrom('a', 'nobody'),
  f: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  i: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  d: fc.option(fc.integer({ min: -1e12, max: 1e12 }).map((units) => (units / 1000).toFixed(3))),
  b: fc.option(fc.boolean()),
  s: fc.option(text),
  t: fc.option(fc.integer({ min: 0, max: 4e12 })),
  v: fc.option(
    fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 3 }),
  ),
});

test('values of every type go through serving, replay and training with the same bits', async () => {
  const [first, ...others] = fc.sample(asked, { numRuns: 300, seed: 7 });
  const rows = [{ ...first, f: 0, v: [0, 0.1, 0] } as const, ...others];
  const served = await world.ask('checks', rows);
  for (const [at, { values, statuses }] of served.entries()) {
    const { f, i, b, s, t } = rows[at] as (typeof rows)[number];
    assert.deepEqual(values.f_same, f === null ? null : f + 0);
    assert.deepEqual(String(values.i_same), String(i));
    assert.deepEqual([values.b_same, values.s_same, values.t_same], [b, s, t]);
    assert.equal(values.d_same, (values.d_same as number | null) ?? null);
    assert.equal(statuses.told, 'present');
    // An input that overflowed is known to have no value, and so is what would be its default.
    const isBroken = statuses.doubled === 'error';
    assert.equal(statuses.size, f !== null ? 'present' : isBroken ? 'error' : 'default');
  }
  assert.match(String(served[0]?.values.told), /bigint|number|null/);
  await world.stop();
  const verified = await verifyProject(world.config, 300);
  assert.deepEqual(verified.mismatches, []);
  assert.equal(verified.answers, 300);
  const spine = join(world.folder, 'spine.ndjson');
  const soon = new Date(Date.now() + 1_000).toISOString();
  const lineOf = (one: object): string =>
    JSON.stringify({ ...one, event_time: soon })
      .replace(/"i":"(-?\d+)"/, '"i":$1')
      // Nothing that a function can see tells the two zeros apart.
      .replace('"f":0,', '"f":-0.0,')
      .replace('"v":[0,', '"v":[-0.0,');
  writeFileSync(spine, rows.map(lineOf).join('\n'));
  const out = join(world.folder, 'out.ndjson');
  await trainProject(world.config, { service: 'checks', spine, out, prefix: 'x_', statuses: true });
  const lines = readFileSync(out, 'utf8').trim().split('\n');
  assert.equal(lines.length, rows.length);
  const names = ['f_same', 'i_same', 'd_same', 'b_same', 's_same', 't_same', 'told', 'size'];
  for (const [at, line] of lines.entries()) {
    const trained = parseJson(line) as Record<string, unknown>;
    for (const name of names) {
      const { values, statuses } = served[at] as Row;
      assert.deepEqual(trained[`x_${name}`], values[name], `${name} of row ${at}`);
      assert.equal(trained[`x_${name}_status`], statuses[name]);
    }
  }
  await world.start();
});
