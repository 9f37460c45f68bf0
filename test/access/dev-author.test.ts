import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFINITIONS, Project } from '../cli/project.ts';

test('with access control, what asof dev applies is of whoever runs it', async (t) => {
  const project = Project.create(t, DEFINITIONS.replace("owner: 'risk'", "risk: 'high'"));
  const key = (await project.run(['access', 'init'])).stdout.trim();
  const file = project.write('admin.key', key);
  process.env.ASOF_TOKEN = key;
  t.after(() => {
    delete process.env.ASOF_TOKEN;
  });
  const me = (await project.json(['access', 'whoami', '--token-file', file])).result;
  const server = await project.server('dev');
  await server.stop();
  const list = await project.json(['lifecycle', 'list', '--token-file', file]);
  const authors = new Set(list.result.versions.map((one: { author: string }) => one.author));
  assert.deepEqual([...authors], [me.principal.id]);
});
