import type { Random } from '../../src/base/random.ts';
import type { NamedColumn } from '../../src/define/node.ts';
import type { RuleName } from '../../src/plan/compatibility.ts';
import type { ValueType } from '../../src/schema/types.ts';
import { editColumn, editSource, editView, type World } from './world.ts';

/** One thing that somebody may do to a project. */
export interface Edit {
  readonly name: string;
  /** What tells of it; one of them where it depends on what is edited. */
  readonly rules: readonly RuleName[];
  /** The project after it; null where there is nothing to edit. */
  readonly apply: (random: Random, world: World) => World | null;
}

const INT64: ValueType = { kind: 'int64' };

function column(name: string, more: Partial<NamedColumn['column']> = {}): NamedColumn {
  const plain = { kind: 'column_definition', type: INT64, optional: true, min: null, max: null };
  return { name, column: { ...plain, ...more } as NamedColumn['column'] };
}

const withColumn = (random: Random, world: World, added: NamedColumn): World | null =>
  editSource(random, world, (source) => ({ ...source, columns: [...source.columns, added] }));

/** Only described or found in another way. */
export const METADATA_EDITS: readonly Edit[] = [
  {
    name: 'the owner of a view',
    rules: ['owner_changed'],
    apply: (random, world) => editView(random, world, (view) => ({ ...view, owner: 'others' })),
  },
  {
    name: 'the tags of a source',
    rules: ['tags_changed'],
    apply: (random, world) => editSource(random, world, (one) => ({ ...one, tags: ['new'] })),
  },
  {
    name: 'the description of a view',
    rules: ['description_changed'],
    apply: (random, world) => editView(random, world, (one) => ({ ...one, description: 'x' })),
  },
  {
    name: 'the mark of risk',
    rules: ['risk_changed'],
    apply: (random, world) => editView(random, world, (one) => ({ ...one, risk: 'high' })),
  },
  {
    name: 'the description of a feature',
    rules: ['description_changed'],
    apply: (random, world) =>
      editView(random, world, (view) => ({
        ...view,
        features: view.features.map((one) =>
          one.feature.kind === 'problem'
            ? one
            : { ...one, feature: { ...one.feature, description: 'said' } },
        ),
      })),
  },
  {
    name: 'freshness',
    rules: ['freshness_changed'],
    apply: (random, world) => editView(random, world, (one) => ({ ...one, freshness: '77s' })),
  },
  {
    name: 'expected state',
    rules: ['state_changed'],
    apply: (random, world) =>
      editView(random, world, (one) => ({
        ...one,
        state: { keys: 77, budget: '64MB', atLimit: 'stop' },
      })),
  },
  {
    name: 'expectations',
    rules: ['expectation_changed'],
    apply: (random, world) =>
      editView(random, world, (view) => ({
        ...view,
        expectations: view.features.slice(0, 1).map(({ name }) => ({
          ...{ name, min: null, max: null, nullShareMax: 0.5 },
          ...{ distinctMin: null, medianFactorMax: null },
        })),
      })),
  },
  {
    name: 'the order of a service',
    rules: ['order_changed'],
    apply: (_random, world) => {
      const { picks } = world.service;
      if (picks.length < 2) return null;
      return { ...world, service: { ...world.service, picks: picks.toReversed() } };
    },
  },
  {
    name: 'how a service is answered',
    rules: ['serving_changed'],
    apply: (_random, world) => {
      const serving = {
        ...{ timeout: '77ms', required: [], accept: null },
        ...{ onFailure: 'skip', lastKnown: null, unknown: [] },
      };
      return { ...world, service: { ...world.service, serving } };
    },
  },
  {
    name: 'a column marked as personal',
    rules: ['personal_changed'],
    apply: (random, world) =>
      editColumn(
        random,
        world,
        ({ name }) => name === 's' || name === 'n',
        (one) => ({
          ...one,
          column: { ...one.column, personal: 'plain' } as NamedColumn['column'],
        }),
      ),
  },
];

/** What every row and every value of before passes unchanged. */
export const COMPATIBLE_EDITS: readonly Edit[] = [
  {
    name: 'an optional column more',
    rules: ['column_added_optional'],
    apply: (random, world) => withColumn(random, world, column('more')),
  },
  {
    name: 'a column with a default more',
    rules: ['column_added_default'],
    apply: (random, world) =>
      withColumn(random, world, column('more', { optional: false, default: 7 })),
  },
  {
    name: 'a column renamed, as declared',
    rules: ['column_renamed'],
    apply: (random, world) =>
      editSource(random, world, (source) => {
        // Definitions go by the present name: one that nothing names can be renamed alone.
        if (isRead(world, source.name, 'due')) return null;
        return {
          ...source,
          columns: source.columns.map((one) =>
            one.name === 'due' ? { ...one, name: 'due_at' } : one,
          ),
          evolution: [{ version: 2, add: [], rename: { due: 'due_at' }, widen: [] }],
        };
      }),
  },
  {
    name: 'a column widened, as declared',
    rules: ['column_widened'],
    apply: (random, world) =>
      editSource(random, world, (source) => {
        const was = source.columns.find(({ name }) => name === 'n');
        if (was === undefined || isRead(world, source.name, 'n')) return null;
        return {
          ...source,
          columns: source.columns.map((one) =>
            one === was ? column('n', { type: { kind: 'decimal', scale: 2 } }) : one,
          ),
          evolution: [{ version: 2, add: [], rename: {}, widen: [was] }],
        };
      }),
  },
];

/** Whether a view reads a column, wherever in it. */
export function isRead(world: World, source: string, name: string): boolean {
  const own = world.views.filter((view) => view.source?.name === source);
  const texts = own.map(({ key, filter, features }) =>
    JSON.stringify([key, filter, features], exact),
  );
  return texts.some((text) => text.includes(`"name":"${name}"`) || text.includes(`:"${name}"`));
}

function exact(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
