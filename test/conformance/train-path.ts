import { join } from 'node:path';
import { DuckDBDecimalValue, DuckDBListValue, DuckDBStructValue } from '@duckdb/node-api';
import { present } from '../../src/base/assert.ts';
import type { ManualClock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import { STRATEGIES } from '../../src/batch/strategy.ts';
import { buildTrainingSet } from '../../src/batch/training-set.ts';
import { sqlName, sqlString } from '../../src/ingest/archive-relation.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { History } from '../../src/ingest/history.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import { duckDbType } from '../../src/schema/duckdb-type.ts';
import { formatDecimal } from '../../src/schema/json.ts';
import { canonicalInteger, type Scalar, type ValueType } from '../../src/schema/types.ts';
import type {
  OracleAnswer,
  OracleEvent,
  OracleKey,
  PlatformOracle,
} from '../../src/testing/platform-oracle.ts';
import { serviceOf } from './answers.ts';
import { coverBetween } from './cover-retractions.ts';
import { SERVICE } from './generate-definitions.ts';
import { keyOf } from './keys.ts';
import { shownKey, type Tally } from './tally.ts';
import { randomEdge, randomEvent } from './times.ts';

export interface TrainCase {
  readonly random: Random;
  readonly oracle: PlatformOracle;
  readonly history: History;
  readonly session: DuckDbSession;
  readonly clock: ManualClock;
  readonly folder: string;
}

type Cells = Readonly<Record<string, unknown>>;

/** Of a row that lacks what a feature is asked with. */
const NOTHING = { value: null, status: null };

interface SpineRow {
  readonly note: string;
  readonly key: OracleKey;
  readonly timeMs: number | null;
}

/** A spine with everything that a spine can have, every cell of its training set checked. */
export async function runTrain(tally: Tally, one: TrainCase): Promise<void> {
  const { random, oracle, history, session, clock, folder } = one;
  const { plan } = oracle;
  const service = serviceOf(plan);
  const known = random.below(3) === 0 ? 'final' : 'serving';
  const servingDelayMs = random.below(2) === 0 ? 0 : random.below(2_000_000);
  const spine = randomSpine(random, oracle, service, servingDelayMs);
  const isTimestamp = random.below(3) === 0;
  await writeSpine(session, service, spine, isTimestamp);
  const out = join(folder, 'training.parquet');
  const strategy = random.below(3) === 0 ? null : random.pick(STRATEGIES);
  const report = await buildTrainingSet({
    plan,
    service: SERVICE,
    history,
    spine: { relation: SPINE_TABLE },
    out,
    known,
    servingDelayMs,
    statuses: true,
    clock,
    session,
    ...(strategy === null ? {} : { strategy }),
  });
  for (const [name, parts] of Object.entries(report.strategies)) {
    tally.cover(`training by ${name}`, parts);
  }
  tally.compare('train', report.throughCommit, history.through, () => 'the commit trained through');
  const result = await session.run(`SELECT * FROM read_parquet(${sqlString(out)})`);
  const rows: readonly Cells[] = await result.getRowObjects();
  tally.compare('train', rows.length, spine.length, () => 'rows of the training set');
  const mode = `${known} less ${servingDelayMs} ms, ${strategy ?? 'chosen'} strategy`;
  const delayMs = known === 'serving' ? servingDelayMs : 0;
  spine.forEach((row, i) => {
    const cells = rows[i] ?? {};
    const knows = (event: { readonly commit: number; readonly arrivalTimeMs: number }): boolean =>
      event.commit <= history.through &&
      (known === 'final' || event.arrivalTimeMs <= (row.timeMs ?? 0) - delayMs);
    checkSpine(tally, service, row, cells, isTimestamp);
    if (known === 'serving' && row.timeMs !== null) {
      coverBetween(tally, oracle, row.key, row.timeMs - delayMs, history.through);
    }
    const expected = trained(oracle, service, row, knows);
    for (const { name, type } of [...service.features, ...service.onDemand]) {
      const what = (): string =>
        `row ${i}, ${name} for ${shownKey(row.key)} at ${row.timeMs}, through ` +
        `${history.through}, ${mode}`;
      const { value, status } = expected.get(name) ?? NOTHING;
      tally.compare('train', cellValue(cells[name], type), value, what);
      const told = cells[`${name}_status`];
      if (told !== undefined) tally.compare('train', told, status, () => `status of ${what()}`);
      else if (status === 'error') tally.compare('train', told, status, what);
    }
  });
}

const SPINE_TABLE = 'conformance_spine';

function randomSpine(
  random: Random,
  oracle: PlatformOracle,
  service: ServicePlan,
  delayMs: number,
): SpineRow[] {
  const spine: SpineRow[] = [];
  const count = random.below(12) === 0 ? 0 : 1 + random.below(24);
  for (let i = 0; i < count; i += 1) {
    const before = spine[random.below(spine.length)];
    if (before !== undefined && random.below(8) === 0) {
      spine.push({ ...before, note: `n${i}` });
      continue;
    }
    const event = randomEvent(random, oracle);
    const key = spineKey(random, oracle, service, event);
    spine.push({ note: `n${i}`, key, timeMs: spineTime(random, oracle, event, delayMs) });
  }
  return spine;
}

/** A key as a table may have it: null and '' too. */
function spineKey(
  random: Random,
  { plan }: PlatformOracle,
  service: ServicePlan,
  event: OracleEvent | null,
): OracleKey {
  const key = keyOf(random, plan, service, random.below(4) === 0 ? null : event);
  for (const { name, type } of service.joinKeys) {
    const pick = random.below(16);
    if (pick === 0) key[name] = null;
    if (pick === 1 && type.kind === 'string') key[name] = '';
  }
  for (const { name } of service.request) if (random.below(16) === 0) key[name] = null;
  return key;
}

function spineTime(
  random: Random,
  oracle: PlatformOracle,
  event: OracleEvent | null,
  delayMs: number,
): number | null {
  const pick = random.below(20);
  if (pick === 0) return null;
  if (pick === 1) return random.pick([0, -5, 1, 4_000_000_000_000]);
  const edgeMs = randomEdge(random, oracle, event, 1_700_000_000_000);
  return edgeMs + (random.below(3) === 0 ? delayMs : 0);
}

async function writeSpine(
  session: DuckDbSession,
  service: ServicePlan,
  spine: readonly SpineRow[],
  isTimestamp: boolean,
): Promise<void> {
  const keys = service.joinKeys.map(({ name, type }) => `${sqlName(name)} ${duckDbType(type)}`);
  const time = isTimestamp ? 'TIMESTAMP_MS' : 'BIGINT';
  const fields = service.request.map(({ name, type }) => {
    return `${sqlName(name)} ${type.kind === 'decimal' ? decimalType(type.scale) : duckDbType(type)}`;
  });
  const columns = ['note VARCHAR', ...keys, `event_time ${time}`, ...fields];
  await session.run(`CREATE OR REPLACE TEMP TABLE ${SPINE_TABLE} (${columns.join(', ')})`);
  if (spine.length === 0) return;
  const rows = spine.map(({ note, key, timeMs }) => {
    const values = service.joinKeys.map(({ name }) => scalarSql(key[name] ?? null));
    const at = timeMs === null ? 'NULL' : isTimestamp ? `make_timestamp_ms(${timeMs})` : timeMs;
    const given = service.request.map(({ name, type }) => fieldSql(key[name] ?? null, type));
    return `('${note}', ${[...values, at, ...given].join(', ')})`;
  });
  await session.run(`INSERT INTO ${SPINE_TABLE} VALUES ${rows.join(', ')}`);
}

/** A spine holds a decimal as such, with room for one place more. */
function decimalType(scale: number): string {
  return `DECIMAL(38, ${scale + 1})`;
}

function fieldSql(value: Scalar, type: ValueType): string {
  if (typeof value === 'number' && type.kind === 'float64') return `'${value}'::DOUBLE`;
  if (type.kind !== 'decimal' || (typeof value !== 'number' && typeof value !== 'bigint')) {
    return scalarSql(value);
  }
  return `CAST('${formatDecimal(value, type.scale)}' AS ${decimalType(type.scale)})`;
}

function scalarSql(value: Scalar): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? sqlString(value) : String(value);
}

/** The spine's own columns come out as they went in, in their order. */
function checkSpine(
  tally: Tally,
  service: ServicePlan,
  row: SpineRow,
  cells: Cells,
  isTimestamp: boolean,
): void {
  tally.compare('train', cells.note, row.note, () => 'the order of the rows');
  service.joinKeys.forEach(({ name, type }) => {
    const cell = cellScalar(cells[name], type);
    tally.compare('train', cell, row.key[name], () => `the spine's ${name} of ${row.note}`);
  });
  if (isTimestamp) return;
  const time = cellScalar(cells.event_time, { kind: 'timestamp' });
  tally.compare('train', time, row.timeMs, () => `the spine's time of ${row.note}`);
}

/** A row without a key or a time has null features (semantics §6); '' is no key. */
function trained(
  oracle: PlatformOracle,
  service: ServicePlan,
  { key, timeMs }: SpineRow,
  knows: Parameters<PlatformOracle['view']>[3],
): Map<string, OracleAnswer> {
  const answers = new Map<string, OracleAnswer>();
  if (timeMs === null) return answers;
  const has = (names: readonly string[]): boolean =>
    names.every((name) => (key[name] ?? '') !== '');
  const whole = oracle.service(service, key, timeMs, knows);
  for (const output of service.features) {
    const view = present(
      oracle.plan.views.find(({ name, version }) => {
        return name === output.view && version === output.version;
      }),
      output.view,
    );
    const answer = present(whole.get(output.name), output.name);
    if (has(Object.keys(view.key))) answers.set(output.name, answer);
  }
  const needed = service.request.filter(({ optional }) => !optional);
  const isAsked =
    has(service.joinKeys.map(({ name }) => name)) &&
    needed.every(({ name }) => (key[name] ?? null) !== null);
  for (const { name } of isAsked ? service.onDemand : []) {
    answers.set(name, present(whole.get(name), name));
  }
  return answers;
}

/** A cell of a list or a histogram holds values of its type, and their counts. */
function cellValue(cell: unknown, type: ValueType): unknown {
  if ((type.kind !== 'list' && type.kind !== 'counts') || cell === null) {
    return cellScalar(cell, type);
  }
  if (!(cell instanceof DuckDBListValue)) return undefined;
  return cell.items.map((item) => {
    if (type.kind === 'list') return cellScalar(item, type.of);
    if (!(item instanceof DuckDBStructValue)) return undefined;
    const { value, count } = item.entries;
    return { value: cellScalar(value, type.of), count: cellScalar(count, { kind: 'int64' }) };
  });
}

/** A cell as the platform holds it; what is of another type than declared is no value at all. */
function cellScalar(cell: unknown, type: ValueType): Scalar | undefined {
  if (cell === null) return null;
  switch (type.kind) {
    case 'int64':
    case 'timestamp':
      return typeof cell === 'bigint' ? canonicalInteger(cell) : undefined;
    case 'decimal':
      if (typeof cell === 'bigint' && type.scale === 0) return canonicalInteger(cell);
      return cell instanceof DuckDBDecimalValue && cell.scale === type.scale
        ? canonicalInteger(cell.value)
        : undefined;
    case 'float64':
      return typeof cell === 'number' ? cell : undefined;
    case 'bool':
      return typeof cell === 'boolean' ? cell : undefined;
    case 'string':
      return typeof cell === 'string' ? cell : undefined;
    case 'vector':
    case 'list':
    case 'counts':
      return undefined;
  }
}
