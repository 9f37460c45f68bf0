import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { cutSessions } from './session-ranges.ts';
import type { WorkGroup } from './work-group.ts';

const GROUP: WorkGroup = {
  index: 0,
  source: {
    name: 'orders',
    columns: [],
    eventTime: 'at',
    arrivalTime: null,
    id: 'id',
    allowedLatenessMs: 0,
    maxClockSkewMs: 0,
    dedupeHorizonMs: 0,
    partitions: 1,
    hash: '',
    origin: null,
    meta: { owner: null, description: null, tags: [] },
  },
  entity: {
    name: 'user',
    joinKeys: [],
    hash: '',
    meta: { owner: null, description: null, tags: [] },
  },
  keyColumns: [],
  lanes: [],
  accumulators: [],
  windows: [{ kind: 'session', gapMs: 100, lane: 0, keep: 2 }],
  retractable: true,
  needs: [],
};

/** The session of one key at a time, of events `[time, weight]`: where it begins and ends. */
async function sessionAt(timeMs: number, events: readonly (readonly [number, number])[]) {
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    await session.run(`CREATE TABLE asked AS SELECT 0 AS r, 0 AS k, 1 AS v,
      ${timeMs}::BIGINT AS time, 0::BIGINT AS s0, ${timeMs + 1}::BIGINT AS e0`);
    const values = events.map(([ms, weight], i) => `(0, ${ms}::BIGINT, 1, ${weight}, ${i})`);
    await session.run(`CREATE TABLE events AS
      SELECT * FROM (VALUES ${values.join(', ')}) AS v(k, et, visible, w, ord)`);
    const [rows, visibility] = ['asked', 'position'] as const;
    const tables = { group: GROUP, visibility, rows, events: 'events', lanes: [], passes: [] };
    await cutSessions(session, tables, {});
    const [found = []] = await session.rows('SELECT s0, e0, bad0 FROM asked');
    const [start, end, isBad] = found;
    return { start: Number(start), end: Number(end), isBad };
  } finally {
    session.close();
  }
}

const BASE_MS = 1_700_000_000_000;

test('a session that may go on among times that are kept no more is bad', async () => {
  const four = [0, 50, 100, 150].map((ms) => [BASE_MS + ms, 1] as const);
  const found = await sessionAt(BASE_MS + 200, four);
  assert.deepEqual(found, { start: BASE_MS + 100, end: BASE_MS + 151, isBad: true });
});

test('with nothing left of what is kept, a session is bad and empty: no event since ever is read', async () => {
  const left = [0, 50].map((ms) => [BASE_MS + ms, 1] as const);
  const taken = [100, 120].flatMap((ms) =>
    [1, -1].map((weight) => [BASE_MS + ms, weight] as const),
  );
  const endMs = BASE_MS + 131;
  const found = await sessionAt(BASE_MS + 130, [...left, ...taken]);
  assert.deepEqual(found, { start: endMs, end: endMs, isBad: true });
  // Of another session: whatever is dropped, it ended too long ago.
  const later = await sessionAt(BASE_MS + 190, [...left, ...taken]);
  assert.deepEqual(later, { start: BASE_MS + 191, end: BASE_MS + 191, isBad: false });
});
