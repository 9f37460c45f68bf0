import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceSchema } from '../../../schema/types.ts';
import { SCHEMA } from '../../ingestor.fixture.ts';
import { matchColumns } from './file-columns.ts';

test('a file without a header line tells no id of a source whose ids are tokens', () => {
  const tokenized: SourceSchema = {
    ...SCHEMA,
    columns: SCHEMA.columns.map((one) =>
      one.name === 'id' ? { ...one, personal: 'tokenized' as const } : one,
    ),
  };
  const said = (name: string, schema: SourceSchema = tokenized) =>
    matchColumns([name, 'at'], schema, {});
  assert.equal(said('ana@example.org'), "has a column that 'clicks' lacks");
  assert.equal(said('amuont'), "has a column 'amuont' that 'clicks' lacks");
  assert.equal(
    said('ana@example.org', SCHEMA),
    "has a column 'ana@example.org' that 'clicks' lacks",
  );
});
