import { DuckDBDecimalValue, DuckDBListValue, DuckDBStructValue } from '@duckdb/node-api';
import { present } from '../../src/base/assert.ts';
import { sqlString } from '../../src/ingest/archive-relation.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import { canonicalInteger, type Scalar, type ValueType } from '../../src/schema/types.ts';
import type { OracleAnswer, PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { serviceOf } from './answers.ts';
import { coverBetween } from './cover-retractions.ts';
import type { SpineRow } from './random-spine.ts';
import { type Engine, shownKey, type Tally } from './tally.ts';

type Cells = Readonly<Record<string, unknown>>;

/** Of a row that lacks what a feature is asked with. */
const NOTHING = { value: null, status: null };

/** What a training set was built from. */
export interface Trained {
  readonly oracle: PlatformOracle;
  readonly spine: readonly SpineRow[];
  readonly isTimestamp: boolean;
  readonly known: 'serving' | 'final';
  readonly servingDelayMs: number;
  readonly throughCommit: number;
  /** For the report of a mismatch. */
  readonly how: string;
}

/** Every cell of a training set is the oracle's. */
export async function checkTrainedFile(
  tally: Tally,
  engine: Engine,
  session: DuckDbSession,
  out: string,
  one: Trained,
): Promise<void> {
  const { oracle, spine, isTimestamp, known, servingDelayMs, throughCommit, how } = one;
  const service = serviceOf(oracle.plan);
  const result = await session.run(`SELECT * FROM read_parquet(${sqlString(out)})`);
  const rows: readonly Cells[] = await result.getRowObjects();
  tally.compare(engine, rows.length, spine.length, () => 'rows of the training set');
  const mode = `${known} less ${servingDelayMs} ms, ${how}`;
  const delayMs = known === 'serving' ? servingDelayMs : 0;
  spine.forEach((row, i) => {
    const cells = rows[i] ?? {};
    const knows = (event: { readonly commit: number; readonly arrivalTimeMs: number }): boolean =>
      event.commit <= throughCommit &&
      (known === 'final' || event.arrivalTimeMs <= (row.timeMs ?? 0) - delayMs);
    checkSpine(tally, engine, service, row, cells, isTimestamp);
    if (known === 'serving' && row.timeMs !== null) {
      coverBetween(tally, oracle, row.key, row.timeMs - delayMs, throughCommit);
    }
    const expected = trained(oracle, service, row, knows);
    for (const { name, type } of [...service.features, ...service.onDemand]) {
      const what = (): string =>
        `row ${i}, ${name} for ${shownKey(row.key)} at ${row.timeMs}, through ` +
        `${throughCommit}, ${mode}`;
      const { value, status } = expected.get(name) ?? NOTHING;
      tally.compare(engine, cellValue(cells[name], type), value, what);
      const told = cells[`${name}_status`];
      if (told !== undefined) tally.compare(engine, told, status, () => `status of ${what()}`);
      else if (status === 'error') tally.compare(engine, told, status, what);
    }
  });
}

/** The spine's own columns come out as they went in, in their order. */
function checkSpine(
  tally: Tally,
  engine: Engine,
  service: ServicePlan,
  row: SpineRow,
  cells: Cells,
  isTimestamp: boolean,
): void {
  tally.compare(engine, cells.note, row.note, () => 'the order of the rows');
  service.joinKeys.forEach(({ name, type }) => {
    const cell = cellScalar(cells[name], type);
    tally.compare(engine, cell, row.key[name], () => `the spine's ${name} of ${row.note}`);
  });
  if (isTimestamp) return;
  const time = cellScalar(cells.event_time, { kind: 'timestamp' });
  tally.compare(engine, time, row.timeMs, () => `the spine's time of ${row.note}`);
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
  if (type.kind === 'vector' && cell !== null) {
    return cell instanceof DuckDBListValue ? cell.items : undefined;
  }
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
