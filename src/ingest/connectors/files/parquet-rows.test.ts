import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { LIMITS } from '../../../base/limits.ts';
import { pause } from '../../../base/pause.ts';
import type { SourceSchema } from '../../../schema/types.ts';
import { DuckDbSession } from '../../duckdb-session.ts';
import type { RowBatch } from '../source-connector.ts';
import { FileConnector } from './file-connector.ts';
import { NodeFolder } from './watched-folder.ts';

const column = (name: string, type: SourceSchema['columns'][number]['type']) => {
  return { name, type, optional: name !== 'at', min: null, max: null };
};
const SCHEMA: SourceSchema = {
  name: 'orders',
  columns: [
    column('at', { kind: 'timestamp' }),
    column('n', { kind: 'int64' }),
    column('price', { kind: 'decimal', scale: 2 }),
    column('tags', { kind: 'vector', size: 2 }),
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 1,
  maxClockSkewMs: 1,
  dedupeHorizonMs: 1,
  partitions: 1,
};

async function write(path: string, sql: string): Promise<void> {
  const session = await DuckDbSession.open();
  await session.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  session.close();
}

async function readAll(folder: string, taken: Map<string, string>, atMost = 100) {
  const connector = new FileConnector({
    folder: new NodeFolder(folder),
    schema: SCHEMA,
    format: 'parquet',
    suffix: '.parquet',
    columns: {},
    delimiter: ',',
    follow: false,
    settleMs: 0,
    pollMs: 10,
    clock: systemClock,
    pause,
  });
  const reader = await connector.open(taken, new AbortController().signal);
  const batches: RowBatch[] = [];
  while (batches.length < atMost) {
    const batch = await reader.next(LIMITS.connectorRows);
    if (batch === null) break;
    batches.push(batch);
    taken.set(batch.lane, batch.token ?? '');
  }
  const { problems } = reader.progress();
  await reader.close();
  return { rows: batches.flatMap(({ rows }) => rows), problems };
}

test('Parquet values come as the door reads them, and files that are none are left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-parquet-'));
  try {
    await write(
      join(folder, 'a.parquet'),
      `SELECT TIMESTAMP '2024-01-01 00:00:00.123' AS at, 9007199254740993::BIGINT AS n,
         12.50::DECIMAL(9,2) AS price, [0.5, 1.5]::FLOAT[] AS tags
       UNION ALL SELECT TIMESTAMP '2024-01-01 00:00:00.000001', NULL, NULL, NULL`,
    );
    await write(join(folder, 'b.parquet'), 'SELECT 1 AS other');
    writeFileSync(join(folder, 'c.parquet'), 'no parquet at all');
    const { rows, problems } = await readAll(folder, new Map());
    assert.deepEqual(rows, [
      {
        place: 'a.parquet#1',
        body: '{"at":1704067200123,"n":9007199254740993,"price":"12.50","tags":[0.5,1.5]}',
      },
      {
        place: 'a.parquet#2',
        body: '{"at":"2024-01-01 00:00:00.000001","n":null,"price":null,"tags":null}',
      },
    ]);
    assert.match(problems[0] ?? '', /b.parquet has a column 'other'/);
    assert.match(problems[1] ?? '', /^c.parquet cannot be read: .*$/);
    assert.doesNotMatch(problems[1] ?? '', /LINE|SELECT|\^|In:|\n/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a Parquet file is read on from the row that a token names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-parquet-'));
  try {
    const count = LIMITS.connectorRows * 2 + 100;
    await write(join(folder, 'a.parquet'), `SELECT range AS n, range AS at FROM range(${count})`);
    const taken = new Map<string, string>();
    const bodies: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      bodies.push(...(await readAll(folder, taken, 1)).rows.map(({ body }) => body));
    }
    assert.equal(bodies.length, count);
    assert.deepEqual(
      bodies,
      Array.from({ length: count }, (_, n) => `{"n":${n},"at":${n}}`),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
