import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AsofError } from '../../src/base/errors.ts';
import { LIMITS } from '../../src/base/limits.ts';
import { listFileUnits } from '../../src/batch/tables/file-units.ts';
import { readUnit, type UnitReader } from '../../src/batch/tables/read-unit.ts';
import { RemoteFiles } from '../../src/batch/tables/remote-files.ts';
import { Stage } from '../../src/batch/tables/stage.ts';
import { STAGE } from '../../src/batch/tables/staged-part.ts';
import { TableTally } from '../../src/batch/tables/table-report.ts';
import { tableSource } from '../../src/batch/tables/table-source.ts';
import { int64, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { ndjson } from '../../src/define/table-from.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { NOW_MS, TablesFixture } from './tables.fixture.ts';

const counts = table('counts', {
  columns: { n: int64(), happened: timestamp() },
  from: ndjson('in'),
  eventTime: 'happened',
});
const line = (n: number): string => `{"n":${n},"happened":1}\n`;

/** A reader of the one file `in/1.ndjson`, and the values that it has staged. */
async function reading(t: TestContext, text: string, world: Partial<TablesFixture['world']> = {}) {
  const fixture = await TablesFixture.open(t, [counts], world);
  const session = await DuckDbSession.open({ threads: 1 });
  t.after(() => session.close());
  const one = tableSource(fixture.source('counts'));
  const { from } = one.origin;
  assert.ok(from.kind === 'files');
  const stage = new Stage(session, one);
  await stage.clear();
  const reader: UnitReader = {
    ...{ world: fixture.world, session, table: one, from, stage, signal: undefined },
    tally: new TableTally('counts'),
    rules: {
      ...{ declared: one.declared, rename: {}, timeZone: 'UTC' },
      ...{ times: new Set(['happened']), mayLack: new Set<string>(), evolution: one.source },
    },
  };
  fixture.write('in/1.ndjson', text);
  const remote = new RemoteFiles({ session, extensions: null, settings: [] });
  const [unit] = await listFileUnits({ root: fixture.folder, from, unitBy: null, remote });
  assert.ok(unit !== undefined);
  const staged = async (): Promise<unknown[]> =>
    (await session.rows(`SELECT n FROM ${STAGE} ORDER BY 1`)).map(([n]) => Number(n));
  return { fixture, reader, stage, unit, staged };
}

/** Does something behind the staging of a file, as often as said. */
function disturb(stage: Stage, times: number, work: () => void): void {
  const add = stage.add.bind(stage);
  let left = times;
  stage.add = async (...given) => {
    await add(...given);
    left -= 1;
    if (left >= 0) work();
  };
}

test('a file that is replaced while it is read is read again, whole', async (t) => {
  const { fixture, reader, stage, unit, staged } = await reading(t, line(1));
  disturb(stage, 1, () => fixture.write('in/1.ndjson', line(2) + line(3)));
  const read = await readUnit(reader, unit);
  assert.deepEqual(await staged(), [2, 3]);
  assert.notEqual(read.print, unit.print);
});

test('a file that is replaced whenever it is read is refused, and nothing of it is staged', async (t) => {
  const { fixture, reader, stage, unit, staged } = await reading(t, line(1));
  disturb(stage, 2, () => fixture.write('in/1.ndjson', line(2) + line(3) + line(4)));
  disturb(stage, 2, () => appendFileSync(join(fixture.folder, 'in/1.ndjson'), line(5)));
  await assert.rejects(
    () => readUnit(reader, unit),
    (error) => error instanceof AsofError && error.code === 'upstream_changed',
  );
  assert.deepEqual(await staged(), []);
});

test('a file whose last line has no end is waited for, until it stands still', async (t) => {
  let waited = 0;
  const { fixture, reader, unit, staged } = await reading(t, line(1), {
    // Half a line was there; while we wait, the other half comes.
    fileNowMs: () => NOW_MS - 3_600_000 + waited,
    pause: async (durationMs) => {
      waited += durationMs;
      if (waited === LIMITS.tableSettleMs)
        fixture.write('in/1.ndjson', line(1) + line(2).trimEnd());
    },
  });
  fixture.write('in/1.ndjson', `${line(1)}{"n":2`);
  await readUnit(reader, unit);
  assert.deepEqual(await staged(), [1, 2]);
  assert.equal(waited, LIMITS.tableSettleMs);
});
