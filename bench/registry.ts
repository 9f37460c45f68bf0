import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../src/base/assert.ts';
import { systemClock } from '../src/base/clock.ts';
import { newFaults } from '../src/expr/faults.ts';
import { canonicalJson } from '../src/plan/canonical.ts';
import { compileProject } from '../src/plan/compile.ts';
import { diffPlans } from '../src/plan/diff.ts';
import { explainPlan } from '../src/plan/explain.ts';
import { Impacts } from '../src/plan/impact.ts';
import { keptEntries } from '../src/plan/kept-entries.ts';
import type { ProjectPlan } from '../src/plan/plan.ts';
import { mergeScoped } from '../src/plan/scoped.ts';
import { estimateState } from '../src/plan/state-estimate.ts';
import { Catalogue } from '../src/registry/catalogue.ts';
import { CATALOGUE_FIELDS } from '../src/registry/catalogue-fields.ts';
import { Registry } from '../src/registry/registry.ts';
import { ServedServices } from '../src/serve/served-services.ts';
import { MemoryTileStore } from '../src/store/memory-tile-store.ts';
import { type BenchOptions, compare, type Measurement, report } from './harness.ts';
import { registryWorld } from './registry-world.ts';

const SMALL = 1_000;
const LARGE = 10_000;

/** One project of so many features, applied in a registry of its own. */
class Applied {
  readonly features: number;
  readonly plan: ProjectPlan;
  readonly #folder: string;
  #files = 0;
  #isChanged = false;

  private constructor(features: number, folder: string) {
    this.features = features;
    this.#folder = folder;
    this.plan = compileProject(registryWorld(features));
  }

  static async build(features: number, folder: string): Promise<Applied> {
    const applied = new Applied(features, join(folder, `${features}`));
    for (const name of ['main', 'one']) {
      await applied.#open(name, (registry) => registry.apply({ plan: applied.plan, author: '' }));
    }
    return applied;
  }

  /** Into a registry that is empty. */
  async apply(definitions: readonly unknown[]): Promise<void> {
    this.#files += 1;
    await this.#open(`new-${this.#files}`, (registry) =>
      registry.apply({ plan: compileProject(definitions), author: 'bench' }),
    );
  }

  /** A second version of one view, and the next time as it was again. */
  async applyOne(): Promise<void> {
    this.#isChanged = !this.#isChanged;
    const plan = compileProject(registryWorld(this.features, this.#isChanged ? 5 : -1));
    const { diff } = await this.#open('one', (registry) =>
      registry.apply({ plan, author: 'bench' }),
    );
    assert.equal(diff.changes.length, 1);
  }

  /** All that `asof plan` finds out. */
  async planned(definitions: readonly unknown[]): Promise<void> {
    const compiled = compileProject(definitions);
    await this.#open('main', async (registry) => {
      const current = await registry.current();
      const { plan } = mergeScoped(current?.plan ?? null, compiled, null);
      const diff = diffPlans(current?.plan ?? null, plan);
      assert.equal(diff.changes.length, 0);
      assert.deepEqual(await registry.conflicts(plan), []);
      const impacts = new Impacts(current?.plan ?? null, plan);
      diff.changes.map((change) => impacts.of(change));
      estimateState(plan, explainPlan(plan));
      keptEntries(plan);
    });
  }

  /** As a server does at its start. */
  load(): Promise<ProjectPlan> {
    return this.#open('main', async (registry) => present(await registry.current(), 'it').plan);
  }

  async #open<T>(name: string, work: (registry: Registry) => Promise<T>): Promise<T> {
    const path = `${this.#folder}-${name}.db`;
    const registry = await Registry.open({ kind: 'sqlite', path }, systemClock);
    try {
      return await work(registry);
    } finally {
      await registry.close();
    }
  }
}

/**
 * Cost per feature of a registry with ten thousand against that of one with a thousand, which does
 * its work as often as it takes to be as much. Both are warm: they were built and checked.
 */
async function growth(
  measure: string,
  rounds: number,
  options: BenchOptions,
  work: (side: 'large' | 'small') => Promise<unknown>,
): Promise<Measurement> {
  const costs = { large: [] as number[], small: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['large', 'small'] as const) : (['small', 'large'] as const);
    for (const side of order) {
      const startMs = performance.now();
      for (let at = 0; at < (side === 'large' ? 1 : LARGE / SMALL); at++) await work(side);
      costs[side].push(((performance.now() - startMs) * 1000) / LARGE);
    }
  }
  const limitName = `that of ${SMALL} features`;
  const facts = { measure, unit: 'us/feature', direction: 'time', limitName } as const;
  return report(facts, costs.large, costs.small, options);
}

export async function run(options: BenchOptions): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-bench-registry-'));
  try {
    const large = await Applied.build(LARGE, folder);
    const small = await Applied.build(SMALL, folder);
    await check(large, small);
    const rounds = options.quick ? 2 : 9;
    const sides = { large, small };
    const definitions = { large: registryWorld(LARGE), small: registryWorld(SMALL) };
    return [
      await growth('apply', rounds, options, (side) => sides[side].apply(definitions[side])),
      await growth('apply_one', rounds, options, (side) => sides[side].applyOne()),
      await growth('plan', rounds, options, (side) => sides[side].planned(definitions[side])),
      await growth('load', rounds, options, (side) => sides[side].load()),
      await resolve(large.plan, options),
      await search(large.plan, options),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is loaded is what was compiled, and compiling is repeatable. */
async function check(...sides: readonly Applied[]): Promise<void> {
  for (const side of sides) {
    const text = canonicalJson(side.plan);
    assert.equal(canonicalJson(compileProject(registryWorld(side.features))), text);
    assert.equal(canonicalJson(await side.load()), text);
    const features = side.plan.views.reduce((sum, view) => sum + view.features.length, 0);
    assert.equal(features, side.features);
  }
}

/** A service by its name, as every request does, against a lookup in a map of as many names. */
async function resolve(plan: ProjectPlan, options: BenchOptions): Promise<Measurement> {
  const services = new ServedServices(newFaults());
  const store = new MemoryTileStore();
  for (const group of plan.groups) store.addGroup(group.id, group, group.entity);
  services.use(plan, store);
  const names = plan.services.map(({ name }) => name);
  const map = new Map(names.map((name) => [name, services.find(name, undefined)]));
  for (const name of names) assert.equal(services.find(name, undefined), map.get(name));
  const times = options.quick ? 4_000 : 20_000;
  let found = 0;
  const measurement = await compare(
    {
      measure: 'resolve',
      unit: 'ns',
      direction: 'time',
      limitName: 'a lookup in a map',
      work: times * names.length,
      per: 1e-9,
      ours: {
        run: () => {
          for (let at = 0; at < times; at++) {
            for (const name of names) found += services.find(name, undefined).plan.outputs.length;
          }
        },
      },
      limit: {
        run: () => {
          for (let at = 0; at < times; at++) {
            for (const name of names) found += map.get(name)?.plan.outputs.length ?? 0;
          }
        },
      },
      rounds: options.quick ? 5 : 15,
    },
    options,
  );
  assert.ok(found > 0);
  return measurement;
}

const TEXTS = ['spend', 'total 7d', 'spend_0_total_1h', 'refnuds', 'payments card', 'team7', ''];

/** Words, near words and nothing, with counts, against the same without an index. */
async function search(plan: ProjectPlan, options: BenchOptions): Promise<Measurement> {
  const catalogue = Catalogue.of(plan);
  const { entries } = catalogue;
  const texts = entries.map(({ name, description, tags, owner, kind, type, entity, source }) =>
    [name, description, ...tags, owner, kind, type, entity, source].join(' ').toLowerCase(),
  );
  /** Looks at the text of every entry, and counts what is found field by field. */
  const scan = (text: string): number => {
    const words = text.split(' ');
    const found = entries.filter((_, at) => words.every((word) => texts[at]?.includes(word)));
    for (const field of CATALOGUE_FIELDS) {
      const counts = new Map<string, number>();
      for (const entry of found) {
        for (const value of field === 'tag' ? entry.tags : [entry[field]]) {
          if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
        }
      }
    }
    return found.length;
  };
  assert.equal(catalogue.search({ text: 'team7' }).total, scan('team7'));
  assert.equal(catalogue.search({ text: '' }).total, scan(''));
  const times = options.quick ? 5 : 20;
  const work = TEXTS.length * times;
  const every = (one: (text: string) => number) => () => {
    let found = 0;
    for (let at = 0; at < times; at++) for (const text of TEXTS) found += one(text);
    assert.ok(found > 0);
  };
  return compare(
    {
      measure: 'search',
      unit: 'ms',
      direction: 'time',
      limitName: 'a look at every entry, near words left out',
      work,
      per: 1e-3,
      ours: { run: every((text) => catalogue.search({ text }).total) },
      limit: { run: every(scan) },
      rounds: options.quick ? 5 : 15,
    },
    options,
  );
}
