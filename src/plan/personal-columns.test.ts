import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { count, first, last, max } from '../define/aggregate.ts';
import { int64, string, timestamp } from '../define/column.ts';
import { countDistinct } from '../define/distribution.ts';
import { entity } from '../define/entity.ts';
import { latest } from '../define/latest.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { table } from '../define/table.ts';
import { query } from '../define/table-from.ts';
import { view } from '../define/view.ts';
import { lifetime } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { personalFeatures, tagsOf } from './personal-features.ts';
import type { ProjectPlan } from './plan.ts';

const id = () => string().personal({ tokenize: true });
const user = entity('user', { keys: { user: string() } });

function sourceOf(name: string, userColumn: ReturnType<typeof id> = id()) {
  return stream(name, {
    columns: { user: userColumn, other: id().optional(), at: timestamp(), kind: string() },
    eventTime: 'at',
  });
}

function viewOf(name: string, source: ReturnType<typeof sourceOf>) {
  return view(name, {
    version: 1,
    source,
    entity: user,
    key: { user: 'user' },
    features: () => ({ n: count().over(lifetime()) }),
  });
}

/** What is wrong with definitions, a path a line; nothing where they compile. */
function issuesOf(definitions: unknown[]): string[] {
  try {
    compileProject(definitions);
    return [];
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    return error.issues.map(({ code, path }) => `${code} ${path}`);
  }
}

const groupsOf = ({ groups }: ProjectPlan) => groups.map(({ id: of }) => of);

test('tokens are other keys than ids, and that a column is personal is no other value', () => {
  const plans = [string(), string().personal(), id()].map((column) => {
    const spend = viewOf('spend', sourceOf('payments', column));
    return compileProject([spend, service('users', { version: 1, features: [spend.all()] })]);
  });
  const [plain, tagged, tokenized] = plans as [ProjectPlan, ProjectPlan, ProjectPlan];
  const hashOf = (plan: ProjectPlan) => [plan.sources[0]?.hash, plan.views[0]?.hash];
  assert.deepEqual(hashOf(tagged), hashOf(plain));
  assert.deepEqual(groupsOf(tagged), groupsOf(plain));
  for (const [at, hash] of hashOf(tokenized).entries()) assert.notEqual(hash, hashOf(plain)[at]);
  assert.notDeepEqual(groupsOf(tokenized), groupsOf(plain));
  assert.deepEqual(tokenized.groups[0]?.tokenized, ['user']);
  const [key] = tokenized.services[0]?.joinKeys ?? [];
  assert.equal(key?.tokens, 'default');
  assert.equal(plain.services[0]?.joinKeys[0]?.tokens, undefined);
});

test('of a token nothing is asked but what it is equal to', () => {
  const source = sourceOf('payments');
  const common = { version: 1, source, entity: user, key: { user: 'user' } } as const;
  const all = lifetime();
  const sound = view('sound', {
    ...common,
    filter: (row) => row.user.ne(row.other),
    features: (row) => ({
      others: countDistinct(row.other).over(all),
      none: count().where(row.other.isNull()).over(all),
    }),
  });
  assert.deepEqual(issuesOf([sound]), []);
  const literal = view('literal', {
    ...common,
    filter: (row) => row.user.eq('alice'),
    features: (row) => ({
      greatest: max(row.other).over(all),
      begun: count().where(row.user.startsWith('a')).over(all),
    }),
  });
  assert.deepEqual(issuesOf([literal]), [
    'type_mismatch views.literal.filter',
    'type_mismatch views.literal.features.begun',
    'type_mismatch views.literal.features.greatest',
  ]);
});

test('what cannot be tokenized is refused', () => {
  const numbers = stream('s', {
    // A program without types can write it.
    columns: { user: int64().personal({ tokenize: true as never }), at: timestamp() },
    eventTime: 'at',
  });
  assert.deepEqual(issuesOf([numbers]), ['type_mismatch sources.s.columns.user']);
  const bounded = stream('s', {
    columns: { user: id().max('z'), at: timestamp() },
    eventTime: 'at',
  });
  assert.deepEqual(issuesOf([bounded]), ['invalid_definition sources.s.columns.user']);
  const changing = stream('s', {
    columns: { user: string(), op: id(), at: timestamp() },
    eventTime: 'at',
    id: 'user',
    changes: { column: 'op' },
  });
  assert.deepEqual(issuesOf([changing]), ['invalid_definition sources.s.columns.op']);
  const keyed = entity('user', { keys: { user: id() } });
  assert.deepEqual(issuesOf([keyed]), ['invalid_definition entities.user.keys.user']);
});

test('a request gives each key once, so it means one thing in all views of a service', () => {
  const both = (...names: string[]) => {
    const views = names.map((name, at) =>
      viewOf(`v${at}`, sourceOf(name, name === 'plain' ? string() : id())),
    );
    const [first, second] = views as [ReturnType<typeof viewOf>, ReturnType<typeof viewOf>];
    const features = [first.pick({ a: 'n' }), second.pick({ b: 'n' })];
    return issuesOf([service('users', { version: 1, features })]);
  };
  assert.deepEqual(both('a', 'b'), []);
  assert.deepEqual(both('fraud.a', 'fraud.b'), []);
  assert.deepEqual(both('plain', 'b'), ['type_mismatch services.users']);
  assert.deepEqual(both('fraud.a', 'growth.b'), ['type_mismatch services.users']);
});

test('features that hold values of personal columns are personal, and what is derived from them', () => {
  const source = stream('people', {
    columns: { user: id(), name: string().personal(), city: string(), at: timestamp() },
    eventTime: 'at',
  });
  const people = view('people', {
    version: 1,
    source,
    entity: user,
    key: { user: 'user' },
    features: (row) => ({
      name: latest(row.name),
      newest: last(row.name).over(lifetime()),
      names: countDistinct(row.name).over(lifetime()),
      city: latest(row.city),
      before: last(row.user).over(lifetime()),
    }),
    derived: (row) => ({ is_named: row.name.isNull(), in_ulm: row.city.eq('Ulm') }),
  });
  const plan = compileProject([people]);
  const [compiled] = plan.views;
  assert.ok(compiled !== undefined);
  const personal = personalFeatures(plan, compiled);
  assert.deepEqual([...personal].toSorted(), ['before', 'is_named', 'name', 'newest']);
  for (const feature of compiled.features) {
    assert.equal(tagsOf(feature, personal).includes('personal'), personal.has(feature.name));
  }
});

test('nor is it asked of features that show tokens: derived ones, those on demand, defaults', () => {
  const source = sourceOf('payments');
  const payee = view('payee', {
    version: 1,
    source,
    entity: user,
    key: { user: 'user' },
    features: (row) => ({
      newest: last(row.other).over(lifetime()),
      oldest: first(row.other).over(lifetime()),
    }),
    derived: (feature) => ({
      is_one: feature.newest.eq(feature.oldest),
      is_none: feature.newest.isNull(),
    }),
  });
  const apart = view('apart', {
    version: 1,
    source: sourceOf('fraud.payments'),
    entity: entity('fraud.shop', { keys: { shop: string() } }),
    key: { shop: 'kind' },
    features: (row) => ({ elsewhere: last(row.other).over(lifetime()) }),
  });
  const sound = service('sound', {
    version: 1,
    features: [payee.all(), apart.all()],
    onDemand: ({ feature }) => ({ repeats: feature.newest.eq(feature.oldest) }),
  });
  assert.deepEqual(issuesOf([sound]), []);
  const asks = view('asks', {
    version: 1,
    source,
    entity: user,
    key: { user: 'user' },
    features: (row) => ({
      newest: last(row.other).over(lifetime()),
      oldest: first(row.other).over(lifetime()).default('nobody'),
    }),
    derived: (feature) => ({
      is_ana: feature.newest.eq('ana'),
      begins: feature.newest.startsWith('a'),
      is_before: feature.newest.lt(feature.oldest),
      filled: feature.newest.coalesce('nobody'),
      upper: feature.newest.upper().eq('ANA'),
    }),
  });
  const refused = ['begins', 'filled', 'is_ana', 'is_before', 'oldest', 'upper'];
  assert.deepEqual(
    issuesOf([asks]).toSorted(),
    refused.map((name) => `type_mismatch views.asks.features.${name}`),
  );
  const requests = service('requests', {
    version: 1,
    features: [payee.pick({ other: 'newest' }), apart.all()],
    request: { payee: string() },
    onDemand: ({ request, feature }) => ({
      is_payee: request.payee.eq(feature.other),
      is_apart: feature.other.eq(feature.elsewhere),
    }),
  });
  assert.deepEqual(
    issuesOf([requests]).toSorted(),
    ['is_apart', 'is_payee'].map((name) => `type_mismatch services.requests.onDemand.${name}`),
  );
});

test('a table that is made of tokens of one namespace is of that namespace', () => {
  const source = sourceOf('fraud.payments');
  const tableOf = (name: string, column: ReturnType<typeof id>) =>
    table(name, {
      columns: { user: column, at: timestamp() },
      from: query({ source }, 'SELECT "user", max("at") AS "at" FROM source GROUP BY 1'),
      key: ['user'],
      eventTime: 'at',
    });
  assert.deepEqual(issuesOf([tableOf('fraud.newest', id())]), []);
  assert.deepEqual(issuesOf([tableOf('newest', string())]), []);
  assert.deepEqual(issuesOf([tableOf('newest', id())]), [
    'type_mismatch sources.newest.columns.user',
  ]);
  const own = table('both', {
    columns: { user: id(), at: timestamp() },
    from: query({ source, mine: sourceOf('mine') }, 'SELECT "user", "at" FROM mine'),
    key: ['user'],
    eventTime: 'at',
  });
  assert.deepEqual(issuesOf([own]), []);
});
