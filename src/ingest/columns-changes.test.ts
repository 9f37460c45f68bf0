import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Column } from '../schema/batch.ts';
import { writeColumns } from '../schema/columns-writer.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import type { SourceSchema } from '../schema/types.ts';
import { column, fateOf } from './columns-body.fixture.ts';
import { hasCode, NOW_MS, SCHEMA } from './ingestor.fixture.ts';
import { ColumnsBody } from './push-body.ts';

const CHANGES: SourceSchema = {
  ...SCHEMA,
  partitions: 1,
  columns: [
    column('amount', { kind: 'int64' }, false),
    column('at', { kind: 'timestamp' }, false),
    column('id', { kind: 'string' }, false),
    column('op', { kind: 'string' }, false),
  ],
  changes: {
    column: 'op',
    insert: ['c'],
    update: ['u'],
    delete: ['d'],
    sequence: null,
    shape: 'row',
    horizonMs: 60_000,
    keep: 10,
  },
};

const change = fc.record({
  amount: fc.option(fc.integer({ min: 0, max: 3 })),
  at: fc.option(fc.integer({ min: NOW_MS - 70_000, max: NOW_MS })),
  id: fc.constantFrom('a', 'b'),
  op: fc.constantFrom('c', 'c', 'u', 'd', 'x'),
});

test('changes meet the same fate as columns and as JSON; envelopes are JSON alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (rows) => {
      const columns = CHANGES.columns.map(({ name, type }): Column => {
        const cells = rows.map((row) => row[name as keyof typeof row]);
        const valid = cells.includes(null)
          ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1))
          : null;
        return type.kind === 'string'
          ? { kind: 'string', type, values: cells.map(String), valid }
          : { kind: 'number', type, values: Float64Array.from(cells, Number), wide: null, valid };
      });
      const body = writeColumns(schemaFingerprint(CHANGES), rows.length, columns);
      const { raw: _, ...asColumns } = await fateOf(new ColumnsBody(body), CHANGES);
      const lines = rows.map((row) => JSON.stringify(row)).join('\n');
      const { raw: __, ...asJson } = await fateOf(lines, CHANGES);
      assert.deepEqual(asColumns, asJson);
    }),
    { numRuns: 120, seed: 8 },
  );
  const { changes } = CHANGES;
  assert.ok(changes);
  const envelopes: SourceSchema = { ...CHANGES, changes: { ...changes, shape: 'envelope' } };
  await assert.rejects(
    fateOf(new ColumnsBody(new Uint8Array(24)), envelopes),
    hasCode('bad_request'),
  );
});
