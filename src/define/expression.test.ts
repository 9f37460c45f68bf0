import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exprText } from '../expr/text.ts';
import { count } from './aggregate.ts';
import { bool, decimal, float64, int64, string, timestamp } from './column.ts';
import { entity } from './entity.ts';
import type { AnyExpression } from './expression-type.ts';
import { stream } from './stream.ts';
import { view } from './view.ts';
import { when } from './when.ts';
import { lifetime } from './window.ts';

const columns = {
  name: string(),
  n: int64().optional(),
  fare: decimal(2),
  x: float64(),
  ok: bool(),
  at: timestamp(),
  later: timestamp(),
};
const source = stream('rows', { columns, eventTime: 'at' });
const thing = entity('thing', { keys: { name: string() } });

type Row = Parameters<
  NonNullable<
    Parameters<typeof view<'v', typeof columns, typeof thing.keys, never, never>>[1]['filter']
  >
>[0];

/** The text of an expression over a row, or the sentence of its problem. */
function textOf(build: (row: Row) => AnyExpression): string {
  let built: AnyExpression | null = null;
  view('v', {
    version: 1,
    source,
    entity: thing,
    key: { name: 'name' },
    features: (row) => {
      built = build(row);
      return { rows: count().over(lifetime()) };
    },
  });
  const { node } = built as unknown as AnyExpression;
  return node.kind === 'problem' ? `${node.code}: ${node.message}` : exprText(node);
}

test('expressions read as they were written', () => {
  assert.equal(
    textOf((row) => row.n.gt(15).and(row.ok.not())),
    'n > 15 and not ok',
  );
  assert.equal(
    textOf((row) => row.name.in(['a', 'b'])),
    "name in ('a', 'b')",
  );
  assert.equal(
    textOf((row) => row.fare.ge(12.5)),
    'fare >= 12.5',
  );
  assert.equal(
    textOf((row) => row.fare.mul(3).add(0.25)),
    'fare * 3 + 0.25',
  );
  assert.equal(
    textOf((row) => row.n.mod(7).eq(0)),
    'n % 7 = 0',
  );
  assert.equal(
    textOf((row) => row.n.eq(2n ** 60n)),
    'n = 1152921504606846976',
  );
  assert.equal(
    textOf((row) => row.at.sub(row.later).intDiv(1000)),
    '(at - later) // 1000',
  );
  assert.equal(
    textOf((row) => row.at.add(1000).lt(row.later)),
    'at + 1000 < later',
  );
  assert.equal(
    textOf((row) => row.x.div(row.n)),
    'x / toFloat64(n)',
  );
  assert.equal(
    textOf((row) => row.name.lower().startsWith('a')),
    "startsWith(lower(name), 'a')",
  );
  assert.equal(
    textOf((row) => row.n.coalesce(0).isNotNull()),
    'coalesce(n, 0) is not null',
  );
  assert.equal(
    textOf((row) => when(row.ok, row.fare, 0)),
    'ifElse(ok, fare, 0)',
  );
  assert.equal(
    textOf((row) => when(row.ok, 1, 0.5)),
    'ifElse(ok, 1, 0.5)',
  );
});

test('what the compiler would refuse is a problem with a sentence, and so is all built on it', () => {
  type Loose = Record<string, Record<string, (...args: unknown[]) => AnyExpression>>;
  const loose = (build: (row: Loose) => AnyExpression | undefined): string =>
    textOf((row) => build(row as unknown as Loose) as AnyExpression);
  assert.equal(
    loose((row) => row.nn?.gt?.(1)),
    "unknown_name: The source 'rows' has no column 'nn'. Did you mean 'n'?",
  );
  assert.match(
    loose((row) => row.n?.gt?.('x')),
    /^type_mismatch: 'x' is no int64\./,
  );
  assert.match(
    loose((row) => row.n?.add?.(1.5)),
    /^type_mismatch: 1\.5 is no int64\./,
  );
  assert.match(
    loose((row) => row.n?.gt?.(null)),
    /^type_mismatch: null is no int64\./,
  );
  assert.match(
    loose((row) => row.n?.gt?.(row.x)),
    /^type_mismatch: .*int64/,
  );
  assert.match(
    loose((row) => row.fare?.eq?.(1.234)),
    /^type_mismatch: 1\.234 is no decimal\(2\)\./,
  );
  const built = loose((row) => {
    const broken = row.name?.gt?.(1) as unknown as Loose[string];
    return broken.and?.(row.ok);
  });
  assert.match(built, /^type_mismatch: 1 is no string\./);
});
