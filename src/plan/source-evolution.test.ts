import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { avg, count, sum } from '../define/aggregate.ts';
import { decimal, float64, int64, string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { evolutionConflicts } from './evolution-conflicts.ts';
import { explainPlan } from './explain.ts';
import { parsePlan } from './load.ts';
import type { ProjectPlan } from './plan.ts';

const user = entity('user', { keys: { user: string() } });

const BEFORE = {
  columns: { user: string(), price_usd: decimal(2), fee: int64(), at: timestamp() },
  eventTime: 'at',
} as const;

function before(): ProjectPlan {
  const payments = stream('payments', BEFORE);
  return compileProject([
    view('spend', {
      version: 1,
      source: payments,
      entity: user,
      key: { user: 'user' },
      filter: (row) => row.price_usd.gt(1),
      features: (row) => ({ spent: sum(row.price_usd).over(sliding('1h')) }),
    }),
  ]);
}

test('a rename and a new column change no hash and no group of a view of the same version', () => {
  const payments = stream('payments', {
    columns: {
      customer: string(),
      price: decimal(2),
      fee: int64(),
      currency: string().default('USD'),
      happened: timestamp(),
    },
    eventTime: 'happened',
    evolution: [
      { version: 2, rename: { price_usd: 'amount', user: 'customer' }, add: ['currency'] },
      { version: 3, rename: { amount: 'price', at: 'happened' } },
    ],
  });
  const after = compileProject([
    view('spend', {
      version: 1,
      source: payments,
      entity: user,
      key: { user: 'customer' },
      filter: (row) => row.price.gt(1),
      features: (row) => ({ spent: sum(row.price).over(sliding('1h')) }),
    }),
  ]);
  const then = before();
  assert.equal(after.views[0]?.hash, then.views[0]?.hash);
  assert.deepEqual(after.groups, then.groups);
  assert.deepEqual(after.views[0]?.key, { user: 'user' });
  const [shown] = explainPlan(after);
  assert.deepEqual(shown?.keyColumns, ['customer']);
  assert.match(`${shown?.filter} ${shown?.lanes[0]?.text}`, /^price > 1.* price$/);
  const [source] = after.sources;
  assert.equal(source?.eventTime, 'at');
  assert.deepEqual(
    source?.columns.map(({ name, alias }) => [name, alias]),
    [
      ['at', 'happened'],
      ['currency', undefined],
      ['fee', undefined],
      ['price_usd', 'price'],
      ['user', 'customer'],
    ],
  );
  assert.deepEqual(source?.evolution, [
    {
      version: 2,
      renamed: { price_usd: 'amount', user: 'customer' },
      widened: {},
      added: ['currency'],
    },
    { version: 3, renamed: { amount: 'price', at: 'happened' }, widened: {}, added: [] },
  ]);
  assert.deepEqual(parsePlan(canonicalJson(after)), after, 'and it is read as it was written');
});

test('a rename alone leaves the hash of the source', () => {
  const renamed = stream('payments', {
    columns: { user: string(), price: decimal(2), fee: int64(), at: timestamp() },
    eventTime: 'at',
    evolution: [{ version: 2, rename: { price_usd: 'price' } }],
  });
  assert.equal(compileProject([renamed]).sources[0]?.hash, before().sources[0]?.hash);
});

test('a widened column changes the views that read it, and no others', () => {
  const features = (fee: 'int64' | 'decimal(2)' | 'float64') => {
    const type = { int64: int64(), 'decimal(2)': decimal(2), float64: float64() }[fee];
    const evolution = fee === 'int64' ? [] : [{ version: 2, widen: { fee: int64() } }];
    const payments = stream('payments', {
      columns: { ...BEFORE.columns, fee: type.min(0) },
      eventTime: 'at',
      evolution: evolution as never,
    });
    const shared = { source: payments, entity: user, key: { user: 'user' } } as const;
    const plan = compileProject([
      view('spend', {
        ...shared,
        version: 1,
        features: (row) => ({ spent: sum(row.price_usd).over(sliding('1h')) }),
      }),
      view('fees', {
        ...shared,
        version: 1,
        features: (row) => ({ mean: avg(row.fee as never).over(sliding('1h')) }),
      }),
    ]);
    return new Map(plan.views.map(({ name, hash }) => [name, hash]));
  };
  const then = features('int64');
  for (const type of ['decimal(2)', 'float64'] as const) {
    const now = features(type);
    assert.equal(now.get('spend'), then.get('spend'), type);
    assert.notEqual(now.get('fees'), then.get('fees'), type);
  }
});

test('a default counts for the views that read its column', () => {
  const hashes = (currency: ReturnType<typeof string> | null) => {
    const columns = currency === null ? BEFORE.columns : { ...BEFORE.columns, currency };
    const payments = stream('payments', { columns: columns as never, eventTime: 'at' as never });
    const shared = { source: payments, entity: user, key: { user: 'user' } as never };
    const read = (row: unknown) => (row as Record<string, never>).currency as never;
    const other = view('n', {
      ...shared,
      version: 1,
      features: () => ({ n: count().over(sliding('1h')) }),
    });
    const own = view('c', {
      ...shared,
      version: 1,
      features: (row) => ({ c: count(read(row)).over(sliding('1h')) }),
    });
    const plan = compileProject(currency === null ? [other] : [other, own]);
    return plan.views.map(({ hash }) => hash).toReversed();
  };
  const [none] = hashes(null);
  const [usd, readUsd] = hashes(string().default('USD') as never);
  const [eur, readEur] = hashes(string().default('EUR') as never);
  const [optional, readOptional] = hashes(string().optional() as never);
  assert.deepEqual([usd, eur, optional], [none, none, none]);
  assert.equal(new Set([readUsd, readEur, readOptional]).size, 3);
});

const bad = (columns: object, evolution: unknown): string => {
  try {
    compileProject([
      stream('s', {
        columns: { at: timestamp(), ...columns } as never,
        eventTime: 'at' as never,
        evolution: evolution as never,
      }),
    ]);
  } catch (error) {
    if (error instanceof AsofError) return error.issues.map(({ message }) => message).join(' | ');
    throw error;
  }
  return 'compiled';
};

test('what was declared of a column stays declared', () => {
  const plan = (columns: object, evolution: unknown): ProjectPlan =>
    compileProject([
      stream('s', {
        columns: { at: timestamp(), ...columns } as never,
        eventTime: 'at' as never,
        evolution: evolution as never,
      }),
    ]);
  const was = plan({ price: decimal(2), fee: int64() }, [
    { version: 2, rename: { price_usd: 'price' } },
  ]);
  const told = (columns: object, evolution: unknown): string =>
    evolutionConflicts(was, plan(columns, evolution))
      .map(({ message }) => message)
      .join(' | ');
  const renamed = { version: 2, rename: { price_usd: 'price' } };
  const widened = { version: 3, widen: { fee: int64() } };
  assert.equal(told({ price: decimal(2), fee: decimal(2) }, [renamed, widened]), '');
  assert.equal(told({ fee: int64() }, [{ version: 2 }]), '', 'a column may be dropped');
  assert.match(told({ price: decimal(2), fee: int64() }, undefined), /'price_usd' at first/);
  assert.match(told({ price_usd: decimal(2), fee: int64() }, undefined), /had 2 schema versions/);
  assert.match(
    told({ price: decimal(2), fee: int64() }, [
      { version: 2, widen: {} },
      { version: 3, rename: { price_usd: 'price' } },
    ]),
    /In version 2 of 's', 'price' was 'price', decimal\(2\), and now it is 'price_usd'/,
  );
  assert.match(
    told({ price: decimal(2), fee: decimal(1) }, [{ ...renamed, widen: { fee: int64() } }]),
    /In version 2 of 's', 'fee' was 'fee', int64, and now it is 'fee', decimal\(1\)/,
  );
});

test('a declaration that cannot be is told with a sentence', () => {
  const told = (columns: object, evolution: unknown, sentence: RegExp): void => {
    assert.match(bad(columns, evolution), sentence);
  };
  const a = { a: decimal(2) };
  told({ ...a, b: int64() }, [{ version: 2, rename: { b: 'a' } }], /'b' names a column already/);
  told(
    a,
    [
      { version: 2, rename: { c: 'b' } },
      { version: 3, rename: { b: 'a' } },
      { version: 4, rename: { c: 'a' } },
    ],
    /no column 'b' in this version|'c' names a column already/,
  );
  told(a, [{ version: 2, rename: { c: 'x' } }], /no column 'x' in this version/);
  told(a, [{ version: 2, rename: { c: 'a', d: 'a' } }], /Two names are renamed to 'a'/);
  told(a, [{ version: 2, rename: { 'C D': 'a' } }], /C D/);
  told(a, [{ version: 3, rename: { c: 'a' } }], /Version 3 stands where 2 is due/);
  // Of a column that was dropped since.
  told(a, [{ version: 2 }], /compiled/);
  told(a, [{ version: 2, widen: { a: float64() } }], /was float64 .* not widened to decimal\(2\)/);
  told(a, [{ version: 2, widen: { a: decimal(2) } }], /not widened/);
  told(a, [{ version: 2, widen: { a: string() } }], /was string/);
  told(
    { a: float64({ scale: 1 }) },
    [{ version: 2, widen: { a: decimal(2) } }],
    /at least as many/,
  );
  told(a, [{ version: 2, add: ['a'] }], /added in version 2, so rows before it lack it/);
  told(a, [{ version: 2, add: ['x'] }], /no column 'x'/);
  told(
    { a: decimal(2).optional() },
    [
      { version: 2, widen: { a: int64() } },
      { version: 3, add: ['a'] },
    ],
    /added in version 3, so it cannot change before/,
  );
  told({ a: int64().max(5).default(6) }, undefined, /default of 'a' lies outside/);
  told({ a: int64().default(1.5) }, undefined, /1.5 is no int64/);
  told({ at: timestamp().default(0) }, undefined, /every row brings/);
  told(a, 'nonsense', /Version undefined stands where 2/);
});
