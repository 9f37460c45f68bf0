import type { Random } from '../../src/base/random.ts';
import { sqlName, sqlString } from '../../src/ingest/archive-relation.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import { duckDbType } from '../../src/schema/duckdb-type.ts';
import { formatDecimal } from '../../src/schema/json.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';
import type { OracleEvent, OracleKey, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { keyOf } from './keys.ts';
import { randomEdge, randomEvent } from './times.ts';

export interface SpineRow {
  readonly note: string;
  readonly key: OracleKey;
  readonly timeMs: number | null;
}

export const SPINE_TABLE = 'conformance_spine';

export function randomSpine(
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

export async function writeSpine(
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
  if (type.kind === 'vector' && value !== null) return `CAST('${value}' AS DOUBLE[])`;
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
