import { DuckDBListValue, DuckDBStructValue } from '@duckdb/node-api';
import { assert, present } from '../base/assert.ts';
import { compileScalar } from '../expr/compile-scalar.ts';
import { type Faults, newFaults } from '../expr/faults.ts';
import { referencedColumns } from '../expr/references.ts';
import type { DerivedFeaturePlan } from '../plan/plan.ts';
import type { FeatureStatus } from '../schema/status.ts';
import {
  canonicalInteger,
  type FeatureValue,
  type Scalar,
  type Single,
  type ValueCount,
  type ValueType,
} from '../schema/types.ts';
import type { FeatureWork } from './feature-work.ts';
import { columnOf, featureOutputs, outputColumns, statusColumn } from './finish-sql.ts';
import { onDemandColumn, onDemandInputs, requestColumn } from './on-demand-sql.ts';

export interface ReplayedFeature {
  readonly value: FeatureValue;
  readonly status: FeatureStatus;
}

type Slots = Map<string, ReplayedFeature>;

/** Reads rows of `featuresSql` with statuses, as serving would answer them. */
export interface ReplayedRows {
  /** The columns that a row must have, in this order. */
  readonly columns: readonly string[];
  /** The service's outputs, in order; `request` is what the answer's row gave. */
  read(row: readonly unknown[], request: Readonly<Record<string, Single>>): ReplayedFeature[];
}

/**
 * A derived feature's status is not in its value: serving says `error` where an input is one or
 * the expression overflows on its way, so the expression is run again here.
 */
export function replayedRows(work: FeatureWork): ReplayedRows {
  const columns: string[] = [];
  const readers: ((row: readonly unknown[], slots: Slots) => void)[] = [];
  const faults = newFaults();
  for (const [index, view] of work.views.entries()) {
    for (const feature of view.features) {
      const column = columnOf(view, index, feature.name);
      const at = columns.push(column) - 1;
      const valueAt = (row: readonly unknown[]): FeatureValue =>
        replayedValue(row[at], feature.type);
      if (feature.kind === 'aggregate') {
        columns.push(statusColumn(column));
        readers.push((row, slots) => {
          slots.set(column, { value: valueAt(row), status: row[at + 1] as FeatureStatus });
        });
      } else {
        const statusOf = derivedStatus(feature, (name) => columnOf(view, index, name), faults);
        readers.push((row, slots) => {
          slots.set(column, { value: valueAt(row), status: statusOf(slots) });
        });
      }
    }
  }
  const { service } = work;
  const inputOf = onDemandInputs(service, featureOutputs(work));
  for (const [index, feature] of service.onDemand.entries()) {
    const column = onDemandColumn(index);
    const at = columns.push(column) - 1;
    const statusOf = derivedStatus(feature, inputOf, faults);
    readers.push((row, slots) => {
      slots.set(column, { value: replayedValue(row[at], feature.type), status: statusOf(slots) });
    });
  }
  // What functions give comes after these, and is computed of them.
  const made = (service.functions ?? []).flatMap((one) => one.outputs).length;
  const all = outputColumns(work).map((output) => output.column);
  const outputs = all.slice(0, all.length - made);
  const read: ReplayedRows['read'] = (row, request) => {
    const slots: Slots = new Map();
    for (const [index, { name }] of service.request.entries()) {
      slots.set(requestColumn(index), { value: request[name] ?? null, status: 'present' });
    }
    for (const reader of readers) reader(row, slots);
    return outputs.map((column) => present(slots.get(column), 'a feature of the service'));
  };
  return { columns, read };
}

function derivedStatus(
  feature: Pick<DerivedFeaturePlan, 'expr'>,
  columnOfInput: (name: string) => string,
  faults: Faults,
): (slots: Slots) => FeatureStatus {
  const names = referencedColumns(feature.expr);
  const inputColumns = names.map(columnOfInput);
  const evaluate = compileScalar(feature.expr, names, faults);
  return (slots) => {
    // The plan lets no list or histogram into an expression.
    const inputs = inputColumns.map((column) => present(slots.get(column), 'an input'));
    const overflowsBefore = faults.overflow;
    if (evaluate(inputs.map(({ value }) => value as Single)) !== null) return 'present';
    const isBroken =
      faults.overflow !== overflowsBefore || inputs.some(({ status }) => status === 'error');
    return isBroken ? 'error' : 'default';
  };
}

/** What DuckDB gives for a value of a type, in the one form it has inside asof. */
export function replayedValue(value: unknown, type: ValueType): FeatureValue {
  if (!(value instanceof DuckDBListValue)) return replayedScalar(value, type);
  if (type.kind === 'counts') return value.items.map((item) => replayedCount(item, type.of));
  if (type.kind === 'vector') return value.items.map(Number);
  assert(type.kind === 'list', 'only lists, counts and vectors hold several values');
  return value.items.map((item) => replayedScalar(item, type.of));
}

function replayedCount(item: unknown, type: ValueType): ValueCount {
  assert(item instanceof DuckDBStructValue, 'counts are entries');
  const { value, count } = item.entries;
  return { value: replayedScalar(value, type), count: Number(count) };
}

function replayedScalar(value: unknown, type: ValueType): Scalar {
  if (value === null) return null;
  if (typeof value === 'bigint') return canonicalInteger(value);
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  throw new TypeError(`DuckDB gave a ${typeof value} for a ${type.kind}`);
}
