import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueProblem } from '../schema/read-value.ts';
import type { ColumnSchema, SourceSchema, ValueType } from '../schema/types.ts';
import { SourceDrift } from './source-drift.ts';

const column = (name: string, type: ValueType, alias?: string): ColumnSchema => ({
  ...{ name, type, optional: false, min: null, max: null },
  ...(alias === undefined ? {} : { alias }),
});

const PAYMENTS: SourceSchema = {
  name: 'payments',
  columns: [
    column('at', { kind: 'timestamp' }),
    column('price_usd', { kind: 'decimal', scale: 2 }, 'price'),
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 60_000,
  maxClockSkewMs: 1_000,
  dedupeHorizonMs: 10_000,
  partitions: 1,
  evolution: [{ version: 2, renamed: { price_usd: 'price' }, widened: {}, added: [] }],
};

test('a name of an earlier version is no drift, also beside a column that is unknown', () => {
  const drift = new SourceDrift(PAYMENTS);
  const problem = new ValueProblem('unknown_column', "'payments' has no column 'price_extra'.");
  const raw = () => '{"at":1,"price_usd":1.25,"price_extra":2.5}';
  drift.refuse({ column: 'price_extra', problem }, raw, 5);
  const told = drift.report().columns.map(({ kind, column: name, guess }) => {
    return { kind, name, guess: guess?.kind ?? null };
  });
  // The row has its price, so what is unknown is not the price under another name.
  assert.deepEqual(told, [{ kind: 'unknown', name: 'price_extra', guess: 'added' }]);
});
