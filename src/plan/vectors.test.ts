import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { last, max } from '../define/aggregate.ts';
import { int64, string, timestamp, vector } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { latest } from '../define/latest.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';

const item = entity('item', { keys: { item: string() } });

/** @param more what plain JavaScript may give */
function items(model: string | undefined, more: object = {}, tokenize = false) {
  const source = stream('items', {
    columns: {
      at: timestamp(),
      item: tokenize ? string().personal({ tokenize: true }) : string(),
      price: int64(),
      embedding: model === undefined ? vector(3) : (vector(3, { model }) as never),
      other: vector(4),
    },
    eventTime: 'at',
  });
  return view('items', {
    version: 1,
    source,
    entity: item,
    key: { item: 'item' },
    features: (row) => ({
      embedding: latest(row.embedding),
      newest: last(row.embedding).over(lifetime()),
      recent: last(row.embedding).over(sliding('1h')),
      other: latest(row.other),
      price: latest(row.price),
    }),
    ...more,
  });
}

function issuesOf(...definitions: unknown[]): string[] {
  try {
    compileProject(definitions);
  } catch (error) {
    assert.ok(error instanceof AsofError);
    return error.issues.map(({ code, path, message }) => `${code} ${path} ${message}`);
  }
  return [];
}

test('the model is in the meaning of whatever reads the column', () => {
  const hashes = ['minilm@3', 'minilm@4', undefined].map(
    (model) => compileProject([items(model)]).views[0]?.hash,
  );
  assert.equal(new Set(hashes).size, 3);
  const [plan] = [compileProject([items('minilm@3')])];
  assert.deepEqual(plan?.views[0]?.features.find(({ name }) => name === 'embedding')?.type, {
    ...{ kind: 'vector', size: 3, model: 'minilm@3' },
  });
  assert.match(issuesOf(items('two words'))[0] ?? '', /A model 'two words' cannot be/);
});

test('vectors of other models or lengths are not compared: an issue names both', () => {
  const compared = (other: unknown) =>
    service('s', {
      version: 1,
      features: [items('minilm@3').pick('embedding' as never)] as never,
      request: { query: other } as never,
      // biome-ignore lint/suspicious/noExplicitAny: the compiler would refuse it.
      onDemand: (({ request, feature }: any) => ({
        match: request.query.cosine(feature.embedding),
      })) as never,
    });
  assert.deepEqual(issuesOf(compared(vector(3, { model: 'minilm@3' }))), []);
  for (const [other, text] of [
    [vector(3, { model: 'minilm@4' }), 'vector(3, minilm@4)'],
    [vector(3), 'vector(3)'],
    [vector(4, { model: 'minilm@3' }), 'vector(4, minilm@3)'],
  ] as const) {
    const [issue = ''] = issuesOf(compared(other));
    assert.ok(issue.startsWith('type_mismatch services.s.onDemand.match'), issue);
    assert.ok(issue.includes(text) && issue.includes('vector(3, minilm@3)'), issue);
  }
});

test('what is no order is no measure, and a vector is no derived feature', () => {
  const bad = items('m@1', {
    // biome-ignore lint/suspicious/noExplicitAny: the compiler would refuse it.
    features: (row: any) => ({
      greatest: max(row.embedding).over(lifetime()),
      fallback: latest(row.embedding).default([1, 2, 3] as never),
      embedding: latest(row.embedding),
    }),
    // biome-ignore lint/suspicious/noExplicitAny: the compiler would refuse it.
    derived: (feature: any) => ({ same: feature.embedding }),
  });
  assert.deepEqual(
    issuesOf(bad).map((issue) => issue.split(' ').slice(0, 2).join(' ')),
    [
      'type_mismatch views.items.features.greatest',
      'type_mismatch views.items.features.fallback',
      'type_mismatch views.items.features.same',
    ],
  );
});

test('neighbors are of vectors that hold until their row changes, and of keys that can be told', () => {
  assert.deepEqual(
    issuesOf(items('m@1', { neighbors: { embedding: 'cosine', newest: 'dot' } })),
    [],
  );
  const wrong = { recent: 'cosine', price: 'dot', embeding: 'dot', embedding: 'cosin' };
  const issues = issuesOf(items('m@1', { neighbors: wrong }));
  assert.deepEqual(issues.map((issue) => issue.split(' ').slice(0, 2).join(' ')).sort(), [
    'invalid_definition views.items.neighbors.embedding',
    'invalid_definition views.items.neighbors.price',
    'invalid_definition views.items.neighbors.recent',
    'unknown_name views.items.neighbors.embeding',
  ]);
  assert.ok(issues.some((issue) => issue.includes("Did you mean 'embedding'?")));
  const told = issuesOf(items('m@1', { neighbors: { embedding: 'cosine' } }, true));
  assert.match(told[0] ?? '', /tokens/);
});

test('neighbors are declared and changed in place', () => {
  const plans = [
    {},
    { neighbors: { embedding: 'cosine' } },
    { neighbors: { embedding: 'dot' } },
  ].map((more) => compileProject([items('m@1', more)]));
  assert.equal(new Set(plans.map(({ views }) => views[0]?.hash)).size, 1);
  assert.deepEqual(plans[0] && 'neighbors' in (plans[0].views[0] ?? {}), false);
  assert.deepEqual(plans[1]?.views[0]?.neighbors, [{ feature: 'embedding', metric: 'cosine' }]);
  for (const [before, after] of [
    [plans[0], plans[1]],
    [plans[1], plans[2]],
  ] as const) {
    assert.ok(before !== undefined && after !== undefined);
    const text = JSON.stringify(diffPlans(before, after));
    assert.match(text, /neighbors_changed/);
    assert.match(text, /neighbors of embedding/);
  }
});
