import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Platform } from '../../src/app/platform.ts';
import { count } from '../../src/define/aggregate.ts';
import { string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { type Answer, configOf, defer, temporaryFolder } from './world.ts';

const BUDGET_BYTES = 300_000;
const ROWS = 20_000;
/** What one commit can add, with room for a table that doubles. */
const OVER_BYTES = 200_000;

function planWith(budget: `${number}KB`): ProjectPlan {
  const clicks = stream('clicks', {
    columns: { user: string(), at: timestamp() },
    eventTime: 'at',
  });
  const visits = view('visits', {
    version: 1,
    source: clicks,
    entity: entity('user', { keys: { user: string() } }),
    key: { user: 'user' },
    state: { budget, atLimit: 'stop' },
    features: () => ({ clicks_ever: count().over(lifetime()) }),
  });
  return compileProject([visits, service('users', { version: 1, features: [visits.all()] })]);
}

async function push(platform: Platform, from: number): Promise<Answer> {
  const at = new Date().toISOString();
  const lines = Array.from({ length: ROWS - from }, (_, i) =>
    JSON.stringify({ user: `user-${from + i}`, at }),
  );
  const response = await fetch(`${platform.url}/v1/events/clicks`, {
    method: 'POST',
    body: lines.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) };
}

async function clicksOf(platform: Platform, users: readonly string[]): Promise<unknown[]> {
  const response = await fetch(`${platform.url}/v1/features`, {
    method: 'POST',
    body: JSON.stringify({ service: 'users', rows: users.map((user) => ({ user })) }),
    headers: { 'content-type': 'application/json' },
  });
  const { rows } = (await response.json()) as {
    rows: { values: { clicks_ever: number } }[];
  };
  return rows.map(({ values }) => values.clicks_ever);
}

test('one large push stops at the budget, a restart changes nothing, and nothing is lost', async (t) => {
  const config = configOf(temporaryFolder(t));
  const first = await Platform.start(config, planWith('293KB'));
  defer(t, () => first.stop());
  const { status, json } = await push(first, 0);
  assert.equal(status, 207);
  const accepted = json.accepted ?? 0;
  assert.ok(accepted > 500 && accepted < ROWS / 2, `${accepted} rows accepted`);
  const refused = json.rejections ?? [];
  assert.ok(refused.every(({ code }) => code === 'state_full'));
  assert.equal(refused[0]?.row, accepted, 'from the first that is refused on, none was taken');
  assert.match(refused[0]?.remedy ?? '', /budget/);
  const [memory] = first.status().views.map((one) => one.memory);
  assert.ok(memory && memory.bytes < BUDGET_BYTES + OVER_BYTES, `${memory?.bytes} bytes`);
  assert.equal(memory.hotKeys, accepted);
  const again = await push(first, accepted);
  assert.deepEqual([again.status, again.json.error?.code], [429, 'state_full']);
  assert.equal(first.status().sources[0]?.deadLetters, 0, 'they are for the sender to repeat');
  await first.stop();

  const second = await Platform.start(config, planWith('293KB'));
  defer(t, () => second.stop());
  const still = await push(second, accepted);
  assert.deepEqual([still.status, still.json.error?.code], [429, 'state_full']);
  const last = [`user-${accepted - 1}`, `user-${accepted}`];
  assert.deepEqual(await clicksOf(second, last), [1, 0]);
  await second.use(planWith('30000KB'));
  const rest = await push(second, accepted);
  assert.deepEqual([rest.status, rest.json.accepted], [200, ROWS - accepted]);
  assert.deepEqual(await clicksOf(second, [...last, `user-${ROWS - 1}`]), [1, 1, 1]);
});
