import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { definitions, done, openProject, send } from './privacy-world.ts';

const tableOf = (column: string) => `
export const newest = table('newest', {
  columns: { user: ${column}, since: timestamp() },
  from: query({ limits }, 'SELECT "user", max(since) AS since FROM limits GROUP BY "user"'),
  key: ['user'], eventTime: 'since',
});
export const newestSince = view('newest_since', {
  version: 1, source: newest, entity: user, key: { user: 'user' },
  features: (row) => ({ since: latest(row.since) }),
});
export const since = service('since', { version: 1, features: [newestSince.all()] });
`;

const SINCE = '2026-01-01T00:00:00Z';

test('a query shows its tokens in a tokenized column alone, and is read by ids', async (t) => {
  const project = await openProject(t, true);
  mkdirSync(join(project.folder, 'limits'));
  project.write('limits/a.csv', `user,ceiling,since\nana,1,${SINCE}\n`);
  const given = definitions(true).replace('import {', 'import { query,');
  project.write('features.ts', given + tableOf('string()'));
  await done(project, ['apply', '--author', 'me']);
  const run = await project.run(['materialize', '--all']);
  assert.equal(run.code, 1);
  assert.match(run.stderr + run.stdout, /upstream_schema.*'user' of .* holds tokens/);
  const named = tableOf('string().personal({ tokenize: true })')
    .replaceAll("'newest", "'latest")
    .replace("service('since'", "service('since_latest'");
  project.write('features.ts', given + named);
  await done(project, ['apply', '--author', 'me']);
  await done(project, ['materialize', '--all']);
  const server = await project.server('serve');
  const body = JSON.stringify({ service: 'since_latest', rows: [{ user: 'ana' }] });
  const answer = JSON.parse(await send(server, '/v1/features', body));
  assert.deepEqual(answer.rows[0].values, { since: Date.parse(SINCE) });
  await server.stop();
});
