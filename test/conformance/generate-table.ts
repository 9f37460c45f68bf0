import type { Random } from '../../src/base/random.ts';
import type {
  DefinitionNode,
  NamedColumn,
  ServiceNode,
  TableNode,
  ViewNode,
} from '../../src/define/node.ts';
import { ndjson } from '../../src/define/table-from.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';
import { generatePick, generateView, measureFields, SERVICE } from './generate-definitions.ts';
import { FLOATS, INTEGERS, SHOPS, STRINGS, USERS, WIDE } from './generate-events.ts';
import type { Field } from './generate-expression.ts';
import { SIZES } from './generate-features.ts';
import { generateOnDemand } from './generate-on-demand.ts';

/** The folder of the table's files. */
export const TABLE = 'shop.stock';
export const KNOWN_AT = 'known_at';

const META = { owner: null, description: null, tags: [] } as const;

/** A table of files, one or two views over it, and a service of them. */
export function generateTableProject(random: Random): readonly DefinitionNode[] {
  const fields = measureFields(random);
  const source = generateTable(random, fields);
  const views: ViewNode[] = [];
  for (let at = random.below(2); at >= 0; at -= 1) {
    views.push(generateView(random, source, fields, SIZES, views.length));
  }
  const picks = views.map((view) => generatePick(random, view));
  const service: ServiceNode = {
    kind: 'service',
    name: SERVICE,
    version: 1,
    picks,
    ...generateOnDemand(random, picks),
    functions: [],
    serving: null,
    ...META,
  };
  return [source, service];
}

function generateTable(random: Random, fields: readonly Field[]): TableNode {
  const known = random.pick(['column', 'assumed', 'import']);
  const optional = random.below(2) === 0;
  return {
    kind: 'table',
    name: TABLE,
    columns: [
      column('happened_at', { kind: 'timestamp' }, false),
      column(KNOWN_AT, { kind: 'timestamp' }, known !== 'column'),
      column('user', { kind: 'string' }, optional),
      column('shop', { kind: 'int64' }, optional),
      ...fields.map(({ name, type }) => column(name, type, true)),
    ],
    from: ndjson(TABLE).node,
    key: [],
    eventTime: 'happened_at',
    knownAt: known === 'column' ? KNOWN_AT : null,
    assumedDelay: known === 'assumed' ? random.pick(['0s', '1h', '1d']) : null,
    duplicates: null,
    unitBy: null,
    rename: {},
    grace: null,
    mayBeEmpty: true,
    keep: random.pick([1, 2, 5, null]),
    expectations: [],
    ...META,
  };
}

function column(name: string, type: ValueType, optional: boolean): NamedColumn {
  return { name, column: { kind: 'column_definition', type, optional, min: null, max: null } };
}

export type TableRow = Readonly<Record<string, Scalar>>;

/** Some of the rows that were in the file before, some of them changed, and new ones. */
export function rewriteRows(
  random: Random,
  source: SourcePlan,
  before: readonly TableRow[],
  nowMs: number,
): TableRow[] {
  const kept = before.filter(() => random.below(4) > 0);
  const rows = kept.map((row) => {
    if (random.below(4) > 0) return row;
    const name = random.pick(['n', 'x', 's', 'user', 'happened_at', KNOWN_AT]);
    return { ...row, [name]: tableRow(random, source, kept, nowMs)[name] ?? null };
  });
  for (let left = random.below(8); left > 0; left -= 1) {
    const again = rows[random.below(rows.length)];
    const isAgain = again !== undefined && random.below(6) === 0;
    rows.push(isAgain ? again : tableRow(random, source, rows, nowMs));
  }
  return rows.filter((row) => source.arrivalTime === null || row[KNOWN_AT] !== null);
}

function tableRow(
  random: Random,
  source: SourcePlan,
  others: readonly TableRow[],
  nowMs: number,
): TableRow {
  const maybe = <T>(values: readonly T[]): T | null =>
    random.below(6) === 0 ? null : random.pick(values);
  const other = others[random.below(others.length)]?.happened_at;
  const isTied = typeof other === 'number' && random.below(4) === 0;
  // A few lie ahead, and wait.
  const ageMs = random.below(16) === 0 ? -random.below(90_000_000) : random.below(400_000_000);
  const happenedMs = isTied ? other : nowMs - ageMs;
  const scale = source.columns.flatMap(({ type }) => (type.kind === 'decimal' ? [type.scale] : []));
  const unit = 10 ** (scale[0] ?? 0);
  return {
    happened_at: happenedMs,
    [KNOWN_AT]:
      source.arrivalTime === null && random.below(2) === 0
        ? null
        : happenedMs + random.pick([0, 1, 1000, 3_600_000, -1000, 86_400_000]),
    user: random.pick(USERS),
    shop: random.pick(SHOPS),
    n: maybe<number | bigint>(random.below(4) === 0 ? WIDE : INTEGERS),
    m: maybe(INTEGERS),
    d: maybe([0, 12 * unit, -7 * unit, 5, 9007199254740993n]),
    x: maybe(FLOATS.map((value) => value + 0)),
    s: maybe(STRINGS),
    b: maybe([true, false]),
    due: maybe([nowMs, 0, -1, nowMs - 3_600_000]),
  };
}
