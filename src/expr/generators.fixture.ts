import fc from 'fast-check';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  type ValueType,
} from '../schema/types.ts';
import { call, column, literal } from './build.ts';
import type { ExprNode, OpName } from './node.ts';

export const INT64: ValueType = { kind: 'int64' };
export const DECIMAL: ValueType = { kind: 'decimal', scale: 2 };
export const FLOAT64: ValueType = { kind: 'float64', scale: 6 };
export const BOOL: ValueType = { kind: 'bool' };
export const STRING: ValueType = { kind: 'string' };
export const TIMESTAMP: ValueType = { kind: 'timestamp' };

export const SCHEMA: readonly { name: string; type: ValueType }[] = [
  { name: 'i', type: INT64 },
  { name: 'j', type: INT64 },
  { name: 'd', type: DECIMAL },
  { name: 'e', type: DECIMAL },
  { name: 'f', type: FLOAT64 },
  { name: 'g', type: FLOAT64 },
  { name: 'b', type: BOOL },
  { name: 's', type: STRING },
  { name: 'u', type: STRING },
  { name: 't', type: TIMESTAMP },
];

type Kind = 'int64' | 'decimal' | 'float64' | 'bool' | 'string' | 'timestamp';

const TYPES: Readonly<Record<Kind, ValueType>> = {
  int64: INT64,
  decimal: DECIMAL,
  float64: FLOAT64,
  bool: BOOL,
  string: STRING,
  timestamp: TIMESTAMP,
};

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const EDGE_INTEGERS = [
  0n,
  1n,
  -1n,
  2n,
  -3n,
  50n,
  150n,
  250n,
  -150n,
  SAFE,
  SAFE + 1n,
  SAFE + 2n,
  -SAFE,
  -SAFE - 1n,
  -SAFE - 2n,
  INT64_MIN,
  INT64_MAX,
  INT64_MIN + 1n,
  3037000500n,
  2n ** 62n,
];
const EDGE_FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0.1,
  1e-7,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  1.7976931348623157e308,
  -1.7976931348623157e308,
  1e300,
  1e-300,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  2 ** 63 - 1024,
  -(2 ** 63) - 2048,
  4503599627370495.5,
  2251799813685248.5,
  1e22,
  0.49999999999999994,
];
const EDGE_STRINGS = [
  '',
  'a',
  'A',
  'ab',
  'Zz',
  'é',
  'É',
  'ß',
  'İ',
  'K',
  '\uE000',
  '\uFFFD',
  '😀',
  '😀a',
  '\0',
  'a\0b',
  "it's",
  '%_\\',
  'e\u0301',
];

const narrowInteger = fc.integer({ min: -1000, max: 1000 }).map(BigInt);
const narrowFloat = fc.integer({ min: -400, max: 400 }).map((x) => x / 8);

function scalars(kind: Kind, isSmall: boolean): fc.Arbitrary<Exclude<Scalar, null>> {
  switch (kind) {
    case 'bool':
      return fc.boolean();
    case 'string':
      return fc.oneof(
        fc.constantFrom(...EDGE_STRINGS),
        fc.string({ unit: 'binary', maxLength: 4 }),
        fc.string({ unit: fc.constantFrom('a', 'B', 'z', 'É', '😀'), maxLength: 5 }),
      );
    case 'float64':
      if (isSmall) return narrowFloat;
      return fc.oneof(
        fc.constantFrom(...EDGE_FLOATS),
        narrowFloat,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      );
    default:
      if (isSmall) return narrowInteger.map(canonicalInteger);
      return fc
        .oneof(
          fc.constantFrom(...EDGE_INTEGERS),
          narrowInteger,
          fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
        )
        .map(canonicalInteger);
  }
}

/** Rows in the order of `SCHEMA`; half of the sets hold small values only, so nothing overflows. */
export const rowSets: fc.Arbitrary<Scalar[][]> = fc
  .boolean()
  .chain((isSmall) =>
    fc.array(
      fc.tuple(
        ...SCHEMA.map(({ type }) => fc.option(scalars(kindOf(type), isSmall), { freq: 6 })),
      ) as fc.Arbitrary<Scalar[]>,
      { minLength: 1, maxLength: 24 },
    ),
  );

function kindOf(type: ValueType): Kind {
  if (type.kind === 'vector' || type.kind === 'list' || type.kind === 'counts') {
    throw new TypeError('scalars only');
  }
  return type.kind;
}

const memo = new Map<string, fc.Arbitrary<ExprNode>>();

/** Random well-typed trees of one kind of result. */
export function expressions(kind: Kind, depth: number): fc.Arbitrary<ExprNode> {
  const id = `${kind}/${depth}`;
  const known = memo.get(id);
  if (known !== undefined) return known;
  const made =
    depth === 0
      ? leaves(kind)
      : fc.oneof(leaves(kind), ...calls(kind, depth - 1), ...calls(kind, depth - 1));
  memo.set(id, made);
  return made;
}

function leaves(kind: Kind): fc.Arbitrary<ExprNode> {
  const columns = SCHEMA.filter((entry) => entry.type.kind === kind);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...columns).map((c) => column(c.name, c.type)) },
    {
      weight: 2,
      arbitrary: fc
        .oneof(scalars(kind, true), scalars(kind, false))
        .map((v) => literal(TYPES[kind], v)),
    },
    { weight: 1, arbitrary: fc.constant(literal(TYPES[kind], null)) },
  );
}

function calls(kind: Kind, depth: number): fc.Arbitrary<ExprNode>[] {
  const of = (...kinds: Kind[]) => kinds.map((each) => expressions(each, depth));
  const op = (ops: readonly OpName[], ...kinds: Kind[]): fc.Arbitrary<ExprNode> =>
    fc.tuple(fc.constantFrom(...ops), ...of(...kinds)).map(([name, ...args]) => call(name, args));
  const choice = [op(['coalesce'], kind, kind), op(['if_else'], 'bool', kind, kind)];
  switch (kind) {
    case 'int64':
      return [
        ...choice,
        op(['add', 'sub', 'mul', 'int_div', 'mod'], 'int64', 'int64'),
        op(['add', 'sub', 'mul', 'int_div', 'mod'], 'int64', 'int64'),
        op(['neg', 'abs', 'to_int64'], 'int64'),
        op(['sub'], 'timestamp', 'timestamp'),
        ...(['float64', 'decimal', 'timestamp', 'bool'] as const).map((from) =>
          op(['to_int64'], from),
        ),
      ];
    case 'decimal':
      return [
        ...choice,
        op(['add', 'sub'], 'decimal', 'decimal'),
        op(['neg', 'abs'], 'decimal'),
        op(['mul'], 'decimal', 'int64'),
        op(['mul'], 'int64', 'decimal'),
      ];
    case 'float64':
      return [
        ...choice,
        op(['add', 'sub', 'mul', 'div'], 'float64', 'float64'),
        op(['add', 'sub', 'mul', 'div'], 'float64', 'float64'),
        op(['neg', 'abs', 'round', 'to_float64', 'to_float32', 'to_float16'], 'float64'),
        op(['div'], 'int64', 'int64'),
        op(['div'], 'decimal', 'int64'),
        ...(['int64', 'decimal', 'bool'] as const).map((from) => op(['to_float64'], from)),
      ];
    case 'timestamp':
      return [
        ...choice,
        op(['add', 'sub'], 'timestamp', 'int64'),
        op(['add'], 'int64', 'timestamp'),
      ];
    case 'string':
      return [...choice, op(['lower', 'upper'], 'string')];
    case 'bool':
      return [
        ...choice,
        ...conditions(depth),
        op(['and', 'or'], 'bool', 'bool', 'bool'),
        op(['not'], 'bool'),
        op(['eq', 'ne'], 'bool', 'bool'),
        op(['starts_with'], 'string', 'string'),
      ];
  }
}

function conditions(depth: number): fc.Arbitrary<ExprNode>[] {
  const kinds = ['int64', 'decimal', 'float64', 'string', 'timestamp'] as const;
  return kinds.flatMap((kind) => {
    const arg = expressions(kind, depth);
    const comparisons = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
    const needles = fc.array(scalars(kind, false), { minLength: 1, maxLength: 4 });
    return [
      fc.tuple(fc.constantFrom(...comparisons), arg, arg).map(([name, a, b]) => call(name, [a, b])),
      fc
        .tuple(arg, needles)
        .map(([a, list]) => call('in', [a, ...list.map((v) => literal(TYPES[kind], v))])),
      fc
        .tuple(fc.constantFrom('is_null' as const, 'is_not_null' as const), arg)
        .map(([name, a]) => call(name, [a])),
    ];
  });
}

export const anyExpression: fc.Arbitrary<ExprNode> = fc.oneof(
  ...(['int64', 'decimal', 'float64', 'bool', 'string', 'timestamp'] as const).map((kind) =>
    expressions(kind, 3),
  ),
);
