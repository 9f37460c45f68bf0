import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import { isSealed } from '../base/seal.ts';
import { isToken, Tokenizer } from '../base/tokenizer.ts';
import type { SourceSchema } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { codes, hasCode, idsIn, NOW_MS, SCHEMA } from './ingestor.fixture.ts';
import { Ingestor } from './ingestor.ts';
import { EventLog } from './log.ts';
import { Shield } from './shield.ts';

const tokenizer = new Tokenizer(Uint8Array.from({ length: 32 }, (_, i) => 7 * i));
const tokenOf = (id: string): string => tokenizer.token('default', id);

/** Ids of events are those of persons, and the amount is required. */
function schemaOf(amountOptional = false): SourceSchema {
  return {
    ...SCHEMA,
    columns: SCHEMA.columns.map((column) => {
      if (column.name === 'id') return { ...column, personal: 'tokenized' };
      return column.name === 'amount' ? { ...column, optional: amountOptional } : column;
    }),
  };
}

async function open(disk: MemoryDisk, schema: SourceSchema) {
  const log = await EventLog.open({ disk, schemas: [schema] });
  const clock = new ManualClock(NOW_MS);
  const ingestor = Ingestor.open({ disk, log, sources: [schema], clock, tokenizer });
  return { log, ingestor };
}

const row = (id: unknown, amount: unknown = 1) => JSON.stringify({ at: NOW_MS, id, amount });

test('without a key there is no door to a source with ids', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const schema = schemaOf();
  const log = await EventLog.open({ disk, schemas: [schema] });
  const clock = new ManualClock(NOW_MS);
  assert.throws(
    () => Ingestor.open({ disk, log, sources: [schema], clock }),
    hasCode('token_key_missing'),
  );
  assert.equal(Shield.of(SCHEMA, null), null);
  await log.close();
});

test('the log has tokens, by which duplicates are found', async () => {
  const { log, ingestor } = await open(new MemoryDisk(seededRandom(2)), schemaOf());
  const first = await ingestor.push('clicks', [row('alice'), row('bob'), row('')].join('\n'));
  assert.equal(first.accepted, 3);
  assert.deepEqual(idsIn(log).toSorted(), [tokenOf('alice'), tokenOf('bob'), ''].toSorted());
  const again = await ingestor.push('clicks', row('alice'));
  assert.deepEqual(codes(again), ['duplicate']);
  assert.ok(again.rows[0]?.message.includes(tokenOf('alice')));
  const forged = await ingestor.push('clicks', row(tokenOf('alice')));
  assert.deepEqual(codes(forged), ['wrong_type']);
  ingestor.close();
  await log.close();
});

test('of what is refused nothing is told or kept in the clear, and it can be taken later', async () => {
  const disk = new MemoryDisk(seededRandom(3));
  const one = await open(disk, schemaOf());
  const bodies = [
    row('secret-1', null),
    row('secret-2', 'secret-3'),
    row({ name: 'secret-4' }),
    `{"at":${NOW_MS},"id":"secret-5","amount":1`,
    JSON.stringify({ at: NOW_MS, id: 'secret-6', amount: 1, 'secret-7': 'secret-8' }),
    JSON.stringify({ at: 'secret-9', id: 'secret-10', amount: 1 }),
    '"secret-11"',
    JSON.stringify({ at: NOW_MS, id: 'secret-12', amout: 1 }),
  ];
  const result = await one.ingestor.push('clicks', bodies.join('\n'));
  assert.equal(result.accepted, 0);
  assert.equal(result.rejected, bodies.length);
  const told = JSON.stringify(result);
  assert.ok(!told.includes('secret'), told);
  assert.equal(result.rows.at(-1)?.column, 'amout');
  const letters = [...one.ingestor.letters.list('clicks')];
  assert.equal(letters.length, bodies.length);
  const shield = one.ingestor.shieldOf('clicks');
  assert.ok(shield !== null);
  for (const [at, letter] of letters.entries()) {
    assert.ok(isSealed(String(letter.raw)));
    assert.ok(!JSON.stringify(letter).includes('secret'));
    assert.deepEqual(shield.open(letter.raw), { raw: bodies[at], given: 'ids' });
    assert.ok(!shield.shown(letter.raw).includes('secret'), shield.shown(letter.raw));
  }
  const [first] = letters;
  assert.ok(first !== undefined);
  assert.deepEqual(JSON.parse(shield.shown(first.raw)), {
    ...{ at: NOW_MS, id: tokenOf('secret-1'), amount: null },
  });
  assert.deepEqual([...shield.tokensIn(first.raw)], [tokenOf('secret-1')]);
  one.ingestor.close();
  await one.log.close();
  const two = await open(disk, schemaOf(true));
  const again = await two.ingestor.readmit('clicks');
  assert.equal(again.accepted, 1);
  assert.ok(!JSON.stringify(again).includes('secret'));
  assert.deepEqual(idsIn(two.log), [tokenOf('secret-1')]);
  assert.ok(idsIn(two.log).every(isToken));
  two.ingestor.close();
  await two.log.close();
});

test('a column that has ids in the log is not tokenized in place, nor the other way round', async () => {
  for (const [was, is] of [
    [SCHEMA, schemaOf(true)],
    [schemaOf(true), SCHEMA],
  ] as const) {
    const disk = new MemoryDisk(seededRandom(4));
    const one = await open(disk, was);
    await one.ingestor.push('clicks', row('alice'));
    one.ingestor.close();
    await one.log.close();
    const two = await EventLog.open({ disk, schemas: [was] });
    assert.throws(() => two.setSchemas([is]), hasCode('type_mismatch'));
    await two.close();
  }
});

test('ids under a former name of their column are tokens as well', async () => {
  const before = schemaOf();
  const schema: SourceSchema = {
    ...before,
    columns: before.columns.map((one) => (one.name === 'id' ? { ...one, alias: 'person' } : one)),
    evolution: [{ version: 2, renamed: { id: 'person' }, widened: {}, added: [] }],
  };
  const { log, ingestor } = await open(new MemoryDisk(seededRandom(9)), schema);
  const named = (person: string) => JSON.stringify({ at: NOW_MS, person, amount: 1 });
  await ingestor.push('clicks', [row('alice'), named('bob')].join('\n'));
  assert.deepEqual(idsIn(log).toSorted(), [tokenOf('alice'), tokenOf('bob')].toSorted());
  const refused = await ingestor.push(
    'clicks',
    [row('carol', 'x'), row('dave').replace('}', ',"person":"erin"}')].join('\n'),
  );
  assert.deepEqual(codes(refused), ['wrong_type', 'ambiguous_column']);
  assert.ok(!/carol|dave|erin/.test(JSON.stringify(refused)));
  const shield = Shield.of(schema, tokenizer) ?? assert.fail();
  const letters = [...ingestor.letters.list('clicks', {})].map(({ raw }) => raw);
  assert.deepEqual([...shield.tokensIn(letters[0] ?? '')], [tokenOf('carol')]);
  assert.deepEqual([...shield.tokensIn(letters[1] ?? '')], [tokenOf('dave'), tokenOf('erin')]);
  const { columns = [] } = ingestor.drift('clicks') ?? {};
  assert.deepEqual(
    columns.map(({ column, sentType }) => [column, sentType]),
    [['amount', null]],
  );
  ingestor.close();
  await log.close();
});
