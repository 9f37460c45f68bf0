import type { AccumulatorSpec, AggregateFn } from '../../src/aggregate/spec.ts';
import type { WindowSpec } from '../../src/aggregate/window.ts';
import type { Random } from '../../src/base/random.ts';
import { call, column, literal } from '../../src/expr/build.ts';
import type { ExprNode } from '../../src/expr/node.ts';
import type { AggregateFeaturePlan, ProjectPlan, TileGroupPlan } from '../../src/plan/plan.ts';
import type { Column, EventBatch } from '../../src/schema/batch.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';

const INT64: ValueType = { kind: 'int64' };
const FLOAT64: ValueType = { kind: 'float64', scale: 2 };
const STRING: ValueType = { kind: 'string' };
const BOOL: ValueType = { kind: 'bool' };
const TIMESTAMP: ValueType = { kind: 'timestamp' };
const META = { owner: null, description: null, tags: [] };

const COLUMNS: readonly (readonly [name: string, type: ValueType])[] = [
  ['at', TIMESTAMP],
  ['who', STRING],
  ['code', INT64],
  ['units', INT64],
  ['price', FLOAT64],
  ['flag', BOOL],
  ['label', STRING],
];

export type Row = Readonly<Record<string, Scalar>>;

/** An event as the naive side sees it. */
export interface PlainEvent {
  readonly commit: number;
  readonly partition: number;
  readonly offset: number;
  readonly eventMs: number;
  readonly row: Row;
}

/** One feature of a group, by which states are compared. */
export interface Probe {
  readonly group: TileGroupPlan;
  readonly feature: AggregateFeaturePlan;
  readonly measure: ExprNode | null;
  readonly filter: ExprNode | null;
}

const units = column('units', INT64);
const price = column('price', FLOAT64);
const FILTERS: readonly (ExprNode | null)[] = [
  null,
  null,
  call('gt', [units, literal(INT64, 0)]),
  column('flag', BOOL),
  call('eq', [column('label', STRING), literal(STRING, 'b')]),
];
const NUMBERS: readonly ExprNode[] = [units, price, call('mul', [units, literal(INT64, 3)])];
const KEYS: readonly (readonly string[])[] = [['who'], ['code'], ['who', 'code']];

function randomWindow(random: Random): WindowSpec {
  const sizeMs = random.pick([10, 60, 240, 1000]);
  const complete = random.below(4) === 0;
  switch (random.below(6)) {
    case 0:
      return { kind: 'sliding', sizeMs, hopMs: 1, exact: true, complete: false };
    case 1:
      return { kind: 'tumbling', sizeMs, offsetMs: random.below(2) * 5, complete };
    case 2:
      return { kind: 'lifetime', hopMs: 10, complete };
    default:
      return { kind: 'sliding', sizeMs, hopMs: random.pick([1, 5, 10]), exact: false, complete };
  }
}

interface GroupDraft {
  readonly lanes: TileGroupPlan['lanes'][number][];
  readonly accumulators: AccumulatorSpec[];
  readonly windows: readonly WindowSpec[];
}

function partsOf(
  draft: GroupDraft,
  fn: AggregateFn,
  measure: ExprNode | null,
  filter: ExprNode | null,
): { parts: AggregateFeaturePlan['parts']; scale: number; type: ValueType } {
  const summed = !['count', 'min', 'max', 'first', 'last'].includes(fn);
  const scale = measure?.type.kind === 'float64' && summed ? 2 : null;
  const lane = draft.lanes.push({ measure, filter, quantizeScale: scale }) - 1;
  const measured = measure?.type ?? INT64;
  const laneType: ValueType = scale === null ? measured : INT64;
  const add = (part: AccumulatorSpec['fn']): number =>
    draft.accumulators.push({ fn: part, lane, type: laneType }) - 1;
  if (fn === 'count') return { parts: { count: add('count') }, scale: 0, type: INT64 };
  if (fn === 'min' || fn === 'max' || fn === 'first' || fn === 'last') {
    return { parts: { value: add(fn) }, scale: 0, type: measured };
  }
  const parts = { count: add('count'), sum: add('sum') };
  if (fn === 'sum') return { parts, scale: scale ?? 0, type: measured };
  if (fn === 'avg') return { parts, scale: scale ?? 0, type: FLOAT64 };
  return { parts: { ...parts, sumSquares: add('sum_squares') }, scale: scale ?? 0, type: FLOAT64 };
}

const FNS: readonly AggregateFn[] = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'var_pop',
];

/** A random tile group over `source` with its probes. */
export function randomGroup(random: Random, source: string, id: string): Probe[] {
  const draft: GroupDraft = {
    lanes: [],
    accumulators: [],
    windows: Array.from({ length: 1 + random.below(3) }, () => randomWindow(random)),
  };
  const drafts = Array.from({ length: 1 + random.below(3) }, (_, index) => {
    const fn = random.pick(FNS);
    const text = ['first', 'last', 'min', 'max'].includes(fn) && random.below(3) === 0;
    const measure = text ? column('label', STRING) : random.pick(NUMBERS);
    const counted = fn === 'count' && random.below(2) === 0 ? null : measure;
    const filter = random.pick(FILTERS);
    const made = partsOf(draft, fn, counted, filter);
    const feature: AggregateFeaturePlan = {
      kind: 'aggregate',
      name: `f${index}`,
      fn,
      group: id,
      window: random.below(draft.windows.length),
      ...made,
      count: null,
      ttlMs: null,
      rankPpm: null,
      default: null,
      meta: META,
    };
    return { feature, measure: counted, filter };
  });
  const keyColumns = random.pick(KEYS);
  const entity = keyColumns.join('_');
  const group: TileGroupPlan = {
    id,
    source,
    entity,
    keyColumns,
    filter: random.pick(FILTERS),
    ...draft,
    retractable: false,
    latenessMs: 0,
    keep: 0,
  };
  return drafts.map((each) => ({ group, ...each }));
}

export function planOf(sources: readonly string[], probes: readonly Probe[]): ProjectPlan {
  const groups = [...new Map(probes.map(({ group }) => [group.id, group])).values()];
  return {
    format: 1,
    sources: sources.map((name) => ({
      name,
      columns: COLUMNS.map(([columnName, type]) => ({
        name: columnName,
        type,
        optional: true,
        min: null,
        max: null,
      })),
      eventTime: 'at',
      arrivalTime: null,
      id: null,
      allowedLatenessMs: 500,
      maxClockSkewMs: 0,
      dedupeHorizonMs: 0,
      partitions: 2,
      hash: name,
      origin: null,
      meta: META,
    })),
    entities: [],
    groups,
    views: [],
    services: [],
    datasets: [],
    models: [],
    dashboards: [],
  };
}

function randomRow(random: Random, eventMs: number): Row {
  const maybe = <T extends Scalar>(value: T): T | null => (random.below(8) === 0 ? null : value);
  return {
    at: eventMs,
    who: maybe(random.pick(['', 'ann', 'bob', 'cy', 'somebody with a long name'])),
    code: maybe(random.pick([1, 2, 12, 2n ** 60n])),
    units: maybe(random.pick([-3, 0, 1, 7, 2n ** 62n, -(2n ** 61n), 2 ** 40])),
    price: maybe(random.pick([0.125, -2.5, 1e15, Math.PI, 1e-9, 99])),
    flag: maybe(random.below(2) === 0),
    label: maybe(random.pick(['', 'a', 'b', 'é', 'zz', '😀'])),
  };
}

function columnOf(name: string, type: ValueType, rows: readonly Row[]): Column {
  const cells = rows.map((row) => row[name] ?? null);
  const valid = cells.includes(null)
    ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1))
    : null;
  if (type.kind === 'string') {
    return { kind: 'string', type, values: cells.map((cell) => String(cell ?? '')), valid };
  }
  if (type.kind === 'bool') {
    return {
      kind: 'bool',
      type,
      values: Uint8Array.from(cells, (c) => (c === true ? 1 : 0)),
      valid,
    };
  }
  const isWide = cells.some((cell) => typeof cell === 'bigint');
  const wide = isWide ? BigInt64Array.from(cells, (cell) => BigInt(cell ?? 0)) : null;
  const values = Float64Array.from(cells, (cell) => Number(cell ?? 0));
  return { kind: 'number', type, values, wide, valid };
}

/** Makes batches with dense commits and offsets, and keeps each event for the naive side. */
export class BatchMaker {
  readonly events = new Map<string, PlainEvent[]>();
  readonly batches: EventBatch[] = [];
  nowMs = 10_000;
  readonly #random: Random;
  readonly #sources: readonly string[];
  readonly #offsets = new Map<string, number>();

  constructor(random: Random, sources: readonly string[]) {
    this.#random = random;
    this.#sources = sources;
  }

  next(): EventBatch {
    const random = this.#random;
    const source = random.pick(this.#sources);
    const partition = random.below(2);
    const count = 1 + random.below(6);
    this.nowMs += random.pick([0, 1, 3, 20, 20, 150, 900]);
    const times = Array.from({ length: count }, () => {
      const lateMs = random.pick([0, 0, 1, 10, 60, 499]);
      return this.nowMs - random.below(lateMs + 1);
    });
    const rows = times.map((eventMs) => randomRow(random, eventMs));
    const firstOffset = this.#offsets.get(`${source}/${partition}`) ?? 0;
    this.#offsets.set(`${source}/${partition}`, firstOffset + count);
    const commit = this.batches.length + 1;
    const batch: EventBatch = {
      source,
      partition,
      firstOffset,
      commit,
      count,
      eventTimeMs: Float64Array.from(times),
      arrivalTimeMs: new Float64Array(count).fill(this.nowMs),
      columns: COLUMNS.map(([name, type]) => columnOf(name, type, rows)),
    };
    this.batches.push(batch);
    const kept = this.events.get(source) ?? [];
    rows.forEach((row, i) => {
      kept.push({ commit, partition, offset: firstOffset + i, eventMs: times[i] ?? 0, row });
    });
    this.events.set(source, kept);
    return batch;
  }
}
