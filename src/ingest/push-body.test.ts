import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../base/random.ts';
import type { SourceSchema } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';
import { malformedAt } from './json-places.ts';
import { JsonBody, type PushBody } from './push-body.ts';

const DECIMAL: SourceSchema = {
  ...SCHEMA,
  columns: SCHEMA.columns.map((column) =>
    column.name === 'amount' ? { ...column, type: { kind: 'decimal', scale: 2 } } : column,
  ),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What became of the events: their units as logged, the verdicts, and the letters' own texts. */
async function fateOf(body: PushBody, schema: SourceSchema = DECIMAL) {
  const { ingestor, log } = await start(new MemoryDisk(seededRandom(1)), { schema });
  const { accepted, rows } = await ingestor.push('clicks', body);
  const logged = [...log.read(0)].flatMap(({ columns }) => {
    const amounts = columns[2];
    return amounts?.kind === 'number' ? [...(amounts.wide ?? amounts.values)].map(String) : [];
  });
  const letters = [...ingestor.letters.list('clicks')].map(({ raw }) => raw);
  const verdicts = rows.map(({ row, code, column, message }) => ({ row, code, column, message }));
  return { accepted, verdicts, logged: logged.toSorted(), letters };
}

const amount = fc.oneof(
  fc.constantFrom('12345678901234567.89', '-90071992547409.931', '1e2', '1.10', '"7.5"', 'null'),
  fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }).map((units) => `${units / 100n}.${'05'}`),
  fc.json({ maxDepth: 2 }),
);
const event = fc
  .record({
    amount,
    id: fc.oneof(fc.string(), fc.constantFrom('a"]}', '\\', '],[', '{"')),
    space: fc.constantFrom('', ' ', '\t'),
  })
  .map(
    (one) =>
      `{"at":${one.space}${NOW_MS},"id":${JSON.stringify(one.id)},"amount":${one.amount}${one.space}}`,
  );
const row = fc.oneof({ weight: 9, arbitrary: event }, { weight: 1, arbitrary: fc.json() });

test('events meet the same fate in every form, and refused ones keep their exact text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 2, maxLength: 6 }), async (rows) => {
      const lines = ['{"at":"never"}', ...rows];
      const expected = await fateOf(bytes(lines.join('\n')));
      const array = `[${lines.join(' ,\n')}]`;
      for (const body of [array, bytes(array), new JsonBody(bytes(`\uFEFF ${array}\n`))]) {
        assert.deepEqual(await fateOf(body), expected);
      }
      for (const one of rows.filter((text) => !text.trimStart().startsWith('['))) {
        assert.deepEqual(await fateOf(new JsonBody(bytes(one))), await fateOf(one));
      }
    }),
    { numRuns: 60, seed: 17 },
  );
});

test('a decimal keeps its digits in a JSON body', async () => {
  const exact = `{"at":${NOW_MS},"id":"a","amount":12345678901234567.89}`;
  const { logged } = await fateOf(new JsonBody(bytes(exact)));
  assert.deepEqual(logged, ['1234567890123456789']);
});

test('a malformed JSON body is one rejection that says where, and one letter', async () => {
  const good = `{"at":${NOW_MS}}`;
  const cases: [string, RegExp][] = [
    [`[${good},\n ${good}, {"id": ]`, /position 53: line 2, column 31/],
    [`${good}\n${good}`, /line 2, column 1\)/],
    ['{"id":', /position 6/],
    ['', /position 0/],
  ];
  for (const [text, place] of cases) {
    const { accepted, verdicts, letters } = await fateOf(new JsonBody(bytes(text)));
    assert.equal(accepted, 0);
    assert.deepEqual(
      verdicts.map(({ code }) => code),
      ['malformed_json'],
    );
    assert.match(verdicts[0]?.message ?? '', place);
    assert.deepEqual(letters, [text]);
  }
  const binary = new Uint8Array([0x7b, 0xff, 0x0a, 0x7d]);
  assert.deepEqual((await fateOf(new JsonBody(binary))).letters, [binary]);
  assert.deepEqual((await fateOf('[{"id":1},\n')).letters, ['[{"id":1},\n']);
});

test('no place is wrong in a text that is JSON', () => {
  fc.assert(
    fc.property(fc.json(), (text) => assert.equal(malformedAt(text), text.length)),
    { numRuns: 300, seed: 5 },
  );
});
