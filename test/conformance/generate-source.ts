import type { Random } from '../../src/base/random.ts';
import type { ChangesNode, NamedColumn, StreamNode } from '../../src/define/node.ts';
import type { ValueType } from '../../src/schema/types.ts';
import type { Field } from './generate-expression.ts';

export const DECLARED_ARRIVAL = 'known_at';
const META = { owner: null, description: null, tags: [] } as const;

/** A source of events, or of changes to them. */
export function generateSource(random: Random, name: string, fields: readonly Field[]): StreamNode {
  const declaresArrival = random.below(2) === 0;
  const hasId = random.below(4) > 0;
  const changes = hasId && random.below(5) < 3 ? generateChanges(random) : null;
  const idType: ValueType = { kind: random.below(3) === 0 ? 'int64' : 'string' };
  const isBounded = random.below(4) === 0;
  const hasVector = random.below(3) === 0;
  return {
    kind: 'stream',
    name,
    columns: [
      column('happened_at', { kind: 'timestamp' }, false),
      column(DECLARED_ARRIVAL, { kind: 'timestamp' }, !declaresArrival),
      column('event_id', idType, !hasId),
      column('user', { kind: 'string' }, random.below(2) === 0),
      column('shop', { kind: 'int64' }, random.below(2) === 0),
      ...(hasVector ? [column('place', { kind: 'vector', size: 3 }, true)] : []),
      ...changeColumns(random, changes),
      ...fields.map((field) =>
        field.name === 'm' && isBounded
          ? column('m', field.type, true, { min: -5, max: 1000 })
          : column(field.name, field.type, true),
      ),
    ],
    eventTime: 'happened_at',
    arrivalTime: declaresArrival ? DECLARED_ARRIVAL : null,
    id: hasId ? 'event_id' : null,
    // A change comes later than its event, and most are to be taken.
    allowedLateness: random.pick(changes ? ['1h', '1d', '14d', '14d'] : ['1m', '1h', '1d', '14d']),
    maxClockSkew: random.pick(['1s', '1m']),
    dedupeHorizon: hasId ? random.pick(['1m', '1h', '30d']) : null,
    partitions: 1 + random.below(3),
    changes,
    ...META,
  };
}

/** Few entries are kept, so that they run out; with other names for what is done, and a horizon. */
function generateChanges(random: Random): ChangesNode {
  const isNamed = random.below(3) === 0;
  return {
    column: 'op',
    insert: isNamed ? ['I', 'snapshot'] : null,
    update: isNamed ? ['U'] : null,
    delete: isNamed ? ['D', ''] : null,
    sequence: random.below(2) === 0 ? 'lsn' : null,
    shape: random.pick([null, 'row', 'envelope', 'envelope']),
    horizon: random.pick(['1m', '1h', '30d', '30d', '30d']),
    keep: random.pick([1, 1, 1, 1, 1, 1, 2, 2, 3, 5, null]),
  };
}

function changeColumns(random: Random, changes: ChangesNode | null): NamedColumn[] {
  if (changes === null) return [];
  const type: ValueType = { kind: random.below(3) === 0 ? 'timestamp' : 'int64' };
  const sequence = changes.sequence === null ? [] : [column(changes.sequence, type, false)];
  return [column(changes.column, { kind: 'string' }, false), ...sequence];
}

function column(
  name: string,
  type: ValueType,
  optional: boolean,
  bounds: { min: unknown; max: unknown } = { min: null, max: null },
): NamedColumn {
  return { name, column: { kind: 'column_definition', type, optional, ...bounds } };
}
