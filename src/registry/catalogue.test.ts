import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Meta, ProjectPlan, SourcePlan } from '../plan/plan.ts';
import { Catalogue, type CatalogueQuery } from './catalogue.ts';
import type { CatalogueEntry } from './catalogue-entries.ts';
import { CATALOGUE_FIELDS } from './catalogue-fields.ts';
import { editsAllowed, wordsOf } from './catalogue-words.ts';

const NAMES = ['spend', 'spending', 'orders', 'fraud', 'refunds', 'orders_7d', 'größe', 'max'];
const WORDS = ['amount', 'of', 'card', 'payments', 'Spending', 'überfällig', '7d'];

const meta = fc.record<Meta>({
  owner: fc.constantFrom(null, 'ana', 'risk team'),
  description: fc.option(
    fc.array(fc.constantFrom(...WORDS), { maxLength: 4 }).map((w) => w.join(' ')),
  ),
  tags: fc.subarray(['pii', 'core', 'gdpr']),
});

const EMPTY: ProjectPlan = {
  ...{ format: 1, sources: [], entities: [], groups: [], views: [], services: [] },
  ...{ datasets: [], models: [], dashboards: [] },
};

/** Only what a catalogue reads of a plan. */
const plans = fc
  .uniqueArray(
    fc.record({
      namespace: fc.constantFrom('', 'ads.', 'fraud.'),
      name: fc.constantFrom(...NAMES),
      version: fc.integer({ min: 1, max: 3 }),
      meta,
      features: fc.uniqueArray(fc.record({ name: fc.constantFrom(...NAMES), meta }), {
        selector: ({ name }) => name,
        maxLength: 5,
      }),
    }),
    { selector: ({ namespace, name, version }) => `${namespace}${name}@${version}`, maxLength: 8 },
  )
  .map(
    (views): ProjectPlan => ({
      ...EMPTY,
      views: views.map(({ namespace, name, version, meta, features }) => ({
        name: `${namespace}${name}`,
        version,
        source: 'payments',
        entity: 'user',
        key: {},
        filter: null,
        features: features.map((feature) => ({
          kind: 'derived',
          ...feature,
          expr: { kind: 'literal', type: { kind: 'bool' }, value: true },
          type: { kind: 'bool' },
          default: null,
        })),
        freshnessMs: null,
        state: { keys: null, budgetBytes: null, atLimit: 'spill' },
        expectations: {},
        hash: '',
        meta,
      })),
    }),
  );

const texts = fc.oneof(
  fc.constantFrom('spend', 'fraud', 'sp', 'amount card', 'spedn', 'refnds', 'ads.spend@1', ''),
  fc.constantFrom('pii', 'GRÖSSE', 'größe', '7d', 'orders_7d', 'orders 7d bool', 'paymnets'),
);

const queries = fc.record({
  text: texts,
  filters: fc.record(
    {
      tag: fc.subarray(['pii', 'core', 'none']),
      kind: fc.subarray(['view', 'feature', 'model']),
      namespace: fc.subarray(['ads', 'fraud', 'default']),
      owner: fc.subarray(['ana']),
    },
    { requiredKeys: [] },
  ),
});

describe('catalogue', () => {
  it('finds what the naive search finds, with its counts', () => {
    fc.assert(
      fc.property(plans, queries, (plan, query) => {
        const catalogue = Catalogue.of(plan);
        const page = catalogue.search({ ...query, limit: 200 });
        const expected = naive(catalogue.entries, query);
        assert.deepEqual(
          page.entries.map(({ id }) => id).sort(),
          expected.map(({ id }) => id).sort(),
        );
        assert.equal(page.total, expected.length);
        for (const field of CATALOGUE_FIELDS) {
          const filters = { ...query.filters, [field]: [] };
          const counts = new Map<string, number>();
          for (const entry of naive(catalogue.entries, { ...query, filters })) {
            for (const value of valuesOf(entry, field)) {
              counts.set(value, (counts.get(value) ?? 0) + 1);
            }
          }
          const facet = page.facets[field].map(({ value, count }) => [value, count]);
          assert.deepEqual(Object.fromEntries(facet), Object.fromEntries(counts), field);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives page by page what it gives at once', () => {
    fc.assert(
      fc.property(plans, queries, fc.integer({ min: 1, max: 5 }), (plan, query, limit) => {
        const catalogue = Catalogue.of(plan);
        const all = catalogue.search({ ...query, limit: 200 }).entries;
        const paged: CatalogueEntry[] = [];
        let cursor: string | null = null;
        do {
          const page = catalogue.search({
            ...query,
            limit,
            ...(cursor === null ? {} : { cursor }),
          });
          paged.push(...page.entries);
          cursor = page.next;
        } while (cursor !== null);
        assert.deepEqual(paged, all);
      }),
      { numRuns: 200 },
    );
  });

  it('answers as if what may not be seen were not there', () => {
    fc.assert(
      fc.property(plans, queries, (plan, query) => {
        const visible = (name: string): boolean => !name.startsWith('fraud.');
        const only = { ...plan, views: plan.views.filter(({ name }) => visible(name)) };
        const rest = (page: object) => ({ ...page, next: null });
        assert.deepEqual(
          rest(Catalogue.of(plan).search({ ...query, visible, limit: 200 })),
          rest(Catalogue.of(only).search({ ...query, limit: 200 })),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('ranks whole names before their beginnings, those before words, and near words last', () => {
    const META: Meta = { owner: null, description: null, tags: [] };
    const source = (name: string, more: Partial<Meta> = {}): SourcePlan => ({
      ...{ name, columns: [], eventTime: 'at', arrivalTime: null, id: null, partitions: 1 },
      ...{ allowedLatenessMs: 0, maxClockSkewMs: 0, dedupeHorizonMs: 0, origin: null, hash: '' },
      meta: { ...META, ...more },
    });
    const sources = [
      source('zeta', { description: 'what was spent' }),
      source('fraud.spent'),
      source('spent_by_card'),
      source('card', { tags: ['spent'] }),
      source('spend'),
    ];
    const catalogue = Catalogue.of({ ...EMPTY, sources });
    const namesFor = (text: string): string[] =>
      catalogue.search({ text }).entries.map(({ name }) => name);
    assert.deepEqual(namesFor('spent'), ['fraud.spent', 'spent_by_card', 'card', 'zeta']);
    assert.deepEqual(namesFor('spen'), ['fraud.spent', 'spend', 'spent_by_card', 'card', 'zeta']);
    assert.deepEqual(namesFor('spemt')[0], 'fraud.spent');
    assert.deepEqual(namesFor('spned'), ['spend']);
    assert.deepEqual(namesFor('zzzzzzzz'), []);
  });

  it('takes any text for text', () => {
    const catalogue = Catalogue.of(
      fc.sample(plans, { seed: 1, numRuns: 20 }).at(-1) as ProjectPlan,
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), hostile), (text) => {
        const { entries, total } = catalogue.search({ text, filters: { tag: [text] } });
        assert.equal(entries.length, Math.min(total, 20));
        if (text.trim() !== '') assert.equal(total, 0);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a cursor that is none', () => {
    const catalogue = Catalogue.of(fc.sample(plans, { seed: 2, numRuns: 5 })[0] as ProjectPlan);
    for (const cursor of ['', 'x', '\0', 'W10', 'a'.repeat(10_000)]) {
      assert.throws(() => catalogue.search({ cursor }), { code: 'bad_request' });
    }
  });
});

const hostile = fc.constantFrom(
  '(.*)+$',
  "'; DROP TABLE definitions; --",
  '%',
  '\0',
  'x'.repeat(10_000),
  '"><script>',
  '__proto__',
  '[[[[',
);

function valuesOf(entry: CatalogueEntry, field: (typeof CATALOGUE_FIELDS)[number]): string[] {
  const value = field === 'tag' ? entry.tags : entry[field];
  if (value === null) return [];
  return typeof value === 'string' ? [value] : [...value];
}

/** Without an index: every word of the text in every entry. */
function naive(entries: readonly CatalogueEntry[], { text = '', filters = {} }: CatalogueQuery) {
  const queried = wordsOf(text);
  const wordsIn = (one: CatalogueEntry): string[] =>
    wordsOf(
      [one.name, one.description, ...one.tags, one.owner, one.type, one.entity]
        .concat([one.source, one.kind, one.state])
        .filter((given) => given !== null)
        .join(' '),
    );
  return entries
    .filter((entry) =>
      queried.every((word) => {
        const isBegun = (one: CatalogueEntry) => wordsIn(one).some((own) => own.startsWith(word));
        if (entries.some(isBegun)) return isBegun(entry);
        return wordsIn(entry).some((own) => editsBetween(word, own) <= editsAllowed(word));
      }),
    )
    .filter((entry) =>
      CATALOGUE_FIELDS.every((field) => {
        const wanted = filters[field] ?? [];
        return wanted.length === 0 || valuesOf(entry, field).some((one) => wanted.includes(one));
      }),
    );
}

/** By recursion on the rests of both words; 9 beyond two edits. */
function editsBetween(a: string, b: string, left = 2): number {
  if (left < 0) return 9;
  if (a === '' || b === '') return a.length + b.length;
  if (a[0] === b[0]) return editsBetween(a.slice(1), b.slice(1), left);
  const isSwap = a.length > 1 && a[0] === b[1] && a[1] === b[0];
  const swapped = isSwap ? editsBetween(a.slice(2), b.slice(2), left - 1) : 9;
  const others = [
    editsBetween(a.slice(1), b, left - 1),
    editsBetween(a, b.slice(1), left - 1),
    editsBetween(a.slice(1), b.slice(1), left - 1),
  ];
  return 1 + Math.min(swapped, ...others);
}
