import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../src/base/random.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { Lineage } from '../../src/plan/lineage.ts';
import { lineageId, parseLineageId } from '../../src/plan/lineage-node.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { Scalar } from '../../src/schema/types.ts';
import { oracleView } from '../../src/testing/platform-oracle.ts';
import { generateDefinitions } from '../conformance/generate-definitions.ts';
import { generateTableProject } from '../conformance/generate-table.ts';
import { naiveColumns } from './naive-lineage.ts';
import { randomEvents, START_MS, withOther } from './random-events.ts';

const NUM_RUNS = 60;

function randomPlan(seed: number): ProjectPlan {
  const random = seededRandom(seed);
  const nodes = seed % 5 === 0 ? generateTableProject(random) : generateDefinitions(random).whole;
  return compileProject(nodes.map((node) => ({ node })));
}

const anySeed = fc.integer({ min: 1, max: 1_000_000 });

describe('lineage of random plans', () => {
  it('comes from the columns that the naive oracle finds, in the same way', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const plan = randomPlan(seed);
        const lineage = Lineage.of(plan);
        for (const view of plan.views) {
          for (const { name } of view.features) {
            const id = `feature:${view.name}@${view.version}.${name}`;
            const found = lineage.upstreamOf([id]).nodes.filter(({ kind }) => kind === 'column');
            const columns = found.map(({ part, how }): [string, string] => [String(part), how]);
            const expected = [...naiveColumns(plan, view, name)].filter(
              ([column]) => !column.startsWith('__'),
            );
            assert.deepEqual(columns.sort(), expected.sort(), id);
          }
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('leads back by the way that it came, at the same depth', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const lineage = Lineage.of(randomPlan(seed));
        const down = new Set<string>();
        const up = new Set<string>();
        for (const { id, kind } of lineage.nodes) {
          if (['source', 'entity', 'view', 'service'].includes(kind)) continue;
          for (const one of lineage.downstreamOf([id]).nodes) {
            down.add(`${id} ${one.id} ${one.depth} ${one.how}`);
          }
          for (const one of lineage.upstreamOf([id]).nodes) {
            up.add(`${one.id} ${id} ${one.depth} ${one.how}`);
          }
        }
        assert.deepEqual([...down].sort(), [...up].sort());
      }),
      { numRuns: 15 },
    );
  });

  it('has ids that are read as they are written, each once', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const { nodes } = Lineage.of(randomPlan(seed));
        assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length);
        for (const { id, kind, definition, version, part } of nodes) {
          assert.deepEqual(parseLineageId(id), { kind, definition, version, part });
          assert.equal(lineageId({ kind, definition, version, part }), id);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

describe('what lineage means', () => {
  it('a column that is not upstream of a feature never changes its value', () => {
    const changed = { direct: 0, indirect: 0 };
    fc.assert(
      fc.property(anySeed, (seed) => {
        const random = seededRandom(seed);
        const plan = compileProject(
          generateDefinitions(seededRandom(seed)).whole.map((node) => ({ node })),
        );
        const lineage = Lineage.of(plan);
        const events = plan.sources.flatMap((source) => randomEvents(random, source, 25));
        for (const view of plan.views) {
          const source = plan.sources.find(({ name }) => name === view.source);
          if (source === undefined) continue;
          const some = random.pick(events.filter((event) => event.source === view.source));
          const key: Record<string, Scalar> = Object.fromEntries(
            Object.entries(view.key).map(([name, column]) => [name, some.values[column] ?? null]),
          );
          const ask = (of: typeof events) =>
            oracleView(plan, view, of, key, START_MS + 15_000, () => true);
          const before = ask(events);
          for (const { name: column } of source.columns) {
            const after = ask(withOther(random, events, source, column));
            const reached = lineage.downstreamOf([`column:${source.name}.${column}`]).nodes;
            const hows = new Map(reached.map(({ id, how }) => [id, how]));
            for (const [feature, value] of before) {
              const how = hows.get(`feature:${view.name}@${view.version}.${feature}`);
              if (how === undefined) {
                assert.deepEqual(after.get(feature), value, `${column} is not of ${feature}`);
              } else if (JSON.stringify(text(after.get(feature))) !== JSON.stringify(text(value))) {
                changed[how] += 1;
              }
            }
          }
        }
      }),
      { numRuns: NUM_RUNS },
    );
    assert.ok(changed.direct > 20 && changed.indirect > 20, JSON.stringify(changed));
  });
});

function text(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)),
  );
}
