import type { NamedColumn, StreamNode } from '../../src/define/node.ts';
import type { ValueType } from '../../src/schema/types.ts';
import { type Edit, isRead } from './edits.ts';
import { editColumn, editSource } from './world.ts';

const INT64: ValueType = { kind: 'int64' };

function sourceEdit(
  name: string,
  rule: Edit['rules'][number],
  edit: (one: StreamNode) => StreamNode | null,
): Edit {
  return { name, rules: [rule], apply: (random, world) => editSource(random, world, edit) };
}

function columnEdit(
  name: string,
  rule: Edit['rules'][number],
  wanted: string,
  change: Partial<NamedColumn['column']> | null,
): Edit {
  return {
    name,
    rules: [rule],
    apply: (random, world) =>
      editColumn(
        random,
        world,
        (one, { name: source }) =>
          one.name === wanted && (change !== null || !isRead(world, source, wanted)),
        (one) =>
          change === null
            ? null
            : { ...one, column: { ...one.column, ...change } as NamedColumn['column'] },
      ),
  };
}

const added =
  (name: string, more: object): Edit['apply'] =>
  (random, world) =>
    editSource(random, world, (source) => {
      const plain = {
        kind: 'column_definition',
        type: INT64,
        optional: true,
        min: null,
        max: null,
      };
      const one = { name, column: { ...plain, ...more } as NamedColumn['column'] };
      return { ...source, columns: [...source.columns, one] };
    });

/** Expressions carry the types of the columns that they name, as the DSL gives them. */
const SCALE_EDIT: Edit = {
  name: 'another scale of a column',
  rules: ['column_scale_changed'],
  apply: (random, world) => {
    const edited = editColumn(
      random,
      world,
      ({ name }) => name === 'x',
      (one) => ({
        ...one,
        column: { ...one.column, type: { kind: 'float64', scale: 1 } } as NamedColumn['column'],
      }),
    );
    return edited && { ...edited, views: edited.views.map(rescaled) };
  },
};

function rescaled<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node;
  if ('kind' in node && node.kind === 'float64' && 'scale' in node) return { ...node, scale: 1 };
  if (Array.isArray(node)) return node.map((one: unknown) => rescaled(one)) as T;
  const parts = Object.entries(node).map(([name, part]) => [name, rescaled(part)]);
  return Object.fromEntries(parts) as T;
}

/** Of sources: other rows are accepted, or other values are in them. */
export const SOURCE_EDITS: readonly Edit[] = [
  sourceEdit('lateness', 'lateness_changed', (one) => ({
    ...one,
    allowedLateness: one.allowedLateness === '2s' ? '1d' : '2s',
  })),
  sourceEdit('clock skew', 'clock_skew_changed', (one) => ({
    ...one,
    maxClockSkew: one.maxClockSkew === '1s' ? '1d' : '1s',
  })),
  sourceEdit('dedupe horizon', 'dedupe_horizon_changed', (one) =>
    one.id === null ? null : { ...one, dedupeHorizon: one.dedupeHorizon === '1m' ? '30d' : '1s' },
  ),
  sourceEdit('partitions', 'partitions_changed', (one) => ({
    ...one,
    partitions: one.partitions === 1 ? 5 : 1,
  })),
  sourceEdit('no id', 'id_changed', (one) =>
    one.id === null || one.changes !== null ? null : { ...one, id: null, dedupeHorizon: null },
  ),
  sourceEdit('arrival stamped by the log', 'arrival_time_changed', (one) =>
    one.arrivalTime === null ? null : { ...one, arrivalTime: null },
  ),
  sourceEdit('event time is the arrival', 'event_time_changed', (one) =>
    one.arrivalTime === null ? null : { ...one, eventTime: one.arrivalTime },
  ),
  sourceEdit('fewer entries kept', 'keep_changed', (one) =>
    one.changes === null
      ? null
      : { ...one, changes: { ...one.changes, keep: one.changes.keep === 1 ? 50 : 1 } },
  ),
  sourceEdit('another horizon of changes', 'changes_changed', (one) =>
    one.changes === null
      ? null
      : {
          ...one,
          changes: { ...one.changes, horizon: one.changes.horizon === '1s' ? '30d' : '1s' },
        },
  ),
  {
    name: 'a required column more',
    rules: ['column_added_required'],
    apply: added('more', { optional: false }),
  },
  {
    name: 'a bounded column more',
    rules: ['column_added_bounded'],
    apply: added('more', { min: 1 }),
  },
  columnEdit('a column gone', 'column_removed', 'due', null),
  columnEdit('bounds', 'range_changed', 'n', { min: 0 }),
  SCALE_EDIT,
  columnEdit('required now', 'null_handling_changed', 'n', { optional: false }),
  columnEdit('another type', 'type_changed', 'due', { type: { kind: 'string' } }),
  columnEdit('a narrower type', 'type_narrowed', 'd', { type: INT64 }),
  columnEdit('a default more', 'column_default_changed', 'n', { default: 3 }),
  columnEdit('tokenized', 'tokenization_changed', 'user', { personal: 'tokenized' }),
];
