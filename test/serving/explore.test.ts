import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Explorer, LiveExplorer } from '../../src/app/explore.ts';
import { AsofError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { Principal } from '../../src/registry/access/principal.ts';
import { Viewer } from '../../src/registry/access/viewer.ts';
import { generateTableProject } from '../conformance/generate-table.ts';
import { createHttpWorld } from './http-world.ts';
import { ServingWorld } from './world.ts';

const FACTS = { trained: [], stateOf: () => 'active' };

async function open(t: Parameters<typeof createHttpWorld>[0]) {
  const world = new ServingWorld();
  const explore = new LiveExplorer(
    () => world.plan,
    () => Promise.resolve(FACTS),
    () => 0,
  );
  const { app } = await createHttpWorld(t, { explore }, world);
  const get = async (url: string) => {
    const answer = await app.inject({ method: 'GET', url });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  };
  return { get, plan: world.plan };
}

describe('what there is, over HTTP', () => {
  it('is found by words, with filters that may be repeated, page by page', async (t) => {
    const { get, plan } = await open(t);
    const view = plan.views[0]?.name ?? '';
    const all = await get('/v1/catalogue?kind=view&kind=feature&limit=1');
    assert.equal(all.status, 200);
    const features = plan.views.reduce((sum, one) => sum + one.features.length, 0);
    const onDemand = plan.services.reduce((sum, one) => sum + one.onDemand.length, 0);
    assert.equal(all.body.total, plan.views.length + features + onDemand);
    const second = await get(
      `/v1/catalogue?kind=view&kind=feature&limit=1&cursor=${all.body.next}`,
    );
    assert.notDeepEqual(second.body.entries, all.body.entries);
    const named = await get(`/v1/catalogue?q=${view}&kind=view`);
    assert.equal((named.body.entries as { definition: string }[])[0]?.definition, view);
  });

  it('takes strange text for text, and refuses strange parameters', async (t) => {
    const { get } = await open(t);
    for (const text of ["';--", '.*', '\0', '%', '\ud800', '"', '__proto__', 'x'.repeat(10_000)]) {
      const { status, body } = await get(
        `/v1/catalogue?q=${encodeURIComponent(text.toWellFormed())}`,
      );
      assert.deepEqual([status, body.total], [200, 0], text.slice(0, 20));
    }
    for (const query of ['limit=0', 'limit=9999', 'limit=x', 'cursor=x', 'tags=pii', 'q=%ff']) {
      const { status } = await get(`/v1/catalogue?${query}`);
      assert.ok(status === 400 || (query === 'q=%ff' && status === 200), `${query} ${status}`);
    }
    for (const node of ['nothing', '..%2f..', 'feature:x@1.y', '%00', 'a'.repeat(90)]) {
      const { status, body } = await get(`/v1/lineage/${node}`);
      assert.equal(status, 404, `${node} ${JSON.stringify(body)}`);
    }
  });

  it('is followed in both directions', async (t) => {
    const { get, plan } = await open(t);
    const [view] = plan.views;
    const id = `feature:${view?.name}@${view?.version}.${view?.features[0]?.name}`;
    const up = await get(`/v1/lineage/${encodeURIComponent(id)}?depth=1`);
    assert.equal(up.status, 200);
    assert.equal((up.body.node as { id: string }).id, id);
    assert.equal(up.body.truncated, true);
    const down = await get(
      `/v1/lineage/${encodeURIComponent(id)}?direction=downstream&direct=true`,
    );
    assert.ok((down.body.nodes as { kind: string }[]).some(({ kind }) => kind === 'output'));
    assert.equal((await get(`/v1/lineage/${encodeURIComponent(id)}?direction=up`)).status, 400);
  });
});

function viewerOf(namespace: string): { viewer: Viewer; refused: string[] } {
  const principal: Principal = {
    id: 'svc',
    kind: 'key',
    grants: [{ namespace, role: 'reader' }],
    labels: [],
  };
  const refused: string[] = [];
  const viewer = new Viewer(principal, (_, action, target) => refused.push(`${action} ${target}`));
  return { viewer, refused };
}

it('of another team nothing is found, followed or named', () => {
  const random = seededRandom(3);
  const theirs = generateTableProject(random);
  const plan: ProjectPlan = compileProject(theirs.map((node) => ({ node })));
  const explorer = new Explorer(plan, FACTS, viewerOf('ads').viewer);
  assert.deepEqual([explorer.search({}).total, explorer.search({ text: 'stock' }).total], [0, 0]);
  const { viewer, refused } = viewerOf('ads');
  const messageOf = (text: string): string => {
    try {
      explorer.lineage(text, { direction: 'upstream' }, viewer);
      return 'found';
    } catch (error) {
      assert.ok(error instanceof AsofError && error.code === 'unknown_name');
      return error.message;
    }
  };
  assert.equal(messageOf('source:shop.stock'), "There is no 'source:shop.stock'.");
  assert.equal(messageOf('source:shop.stick'), "There is no 'source:shop.stick'.");
  assert.equal(messageOf('stock'), "There is no 'stock'.");
  assert.deepEqual(refused, ['lineage.read shop.stock', 'lineage.read shop.stick']);
});
