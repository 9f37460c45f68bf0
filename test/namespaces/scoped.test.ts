import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';

const SOURCES = `
import { entity, stream, string, timestamp } from 'asof';
export const payments = stream('base.payments', {
  columns: { payment: string(), card: string(), at: timestamp() /*@*/ },
  eventTime: 'at', id: 'payment', allowedLateness: '1d',
});
export const card = entity('base.card', { keys: { card: string() } });
`;

const viewOf = (namespace: string, size: string): string => `
import { count, service, sliding, view } from 'asof';
import { card, payments } from './base.ts';
export const use = view('${namespace}.use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ payments: count().over(sliding('${size}')) }),
});
export const all = service('${namespace}.all', { version: 1, features: [use.all()] });
`;

/** A project of each team, over one data directory. */
function teams(
  project: Project,
): (team: string, files: Readonly<Record<string, string>>) => string {
  return (team, files) => {
    const folder = join(project.folder, team);
    mkdirSync(join(folder), { recursive: true });
    const settings = { dataDir: join(project.folder, '.asof'), namespaces: [team] };
    const all = { 'asof.json': JSON.stringify(settings), 'package.json': '{"type":"module"}' };
    for (const [name, text] of Object.entries({ ...all, ...files })) {
      writeFileSync(join(folder, name), text);
    }
    return folder;
  };
}

test('teams apply one after another; none loses what another has', async (t) => {
  const project = Project.create(t, null);
  const write = teams(project);
  const base = write('base', { 'features.ts': SOURCES });
  const ads = write('ads', { 'base.ts': SOURCES, 'features.ts': viewOf('ads', '1h') });
  const fraud = write('fraud', { 'base.ts': SOURCES, 'features.ts': viewOf('fraud', '2h') });
  const of = (folder: string, ...args: string[]) => project.json([...args, '--project', folder]);

  const early = await of(ads, 'plan');
  assert.equal(early.code, 4);
  assert.match(early.result.refusals[0].message, /base\.payments is .* not applied there/);
  assert.equal((await of(ads, 'apply')).result.error.code, 'foreign_definition');

  assert.equal((await of(base, 'apply')).code, 0);
  const planned = await of(ads, 'plan', '--out', join(project.folder, 'ads.json'));
  assert.equal(planned.code, 3, planned.stdout);
  // Another team applies meanwhile: that is none of what this plan showed.
  assert.equal((await of(fraud, 'apply')).code, 0);
  const applied = await of(ads, 'apply', '--plan', join(project.folder, 'ads.json'));
  assert.deepEqual([applied.code, applied.result.generation], [0, 3], applied.stdout);
  assert.deepEqual(applied.result.diff, planned.result.diff);
  for (const folder of [base, ads, fraud]) assert.equal((await of(folder, 'plan')).code, 0);
  const said = await project.run(['plan', '--project', ads]);
  assert.match(said.stdout, /^Of the namespace ads; all others stay as they are\.\nNo change/);
  assert.doesNotMatch(said.stdout, /fraud/);

  write('base', { 'features.ts': SOURCES.replace("'1d'", "'2d'") });
  const changed = await of(base, 'plan');
  assert.equal(changed.code, 4);
  const still = changed.result.refusals.find(({ code }: { code: string }) => code === 'still_read');
  assert.match(still.message, /allowed lateness: 1d → 2d.*2 definitions of other namespaces/);
  write('base', { 'features.ts': SOURCES.replace(/export const payments[\s\S]*?\}\);/, '') });
  assert.equal((await of(base, 'apply')).result.error.code, 'still_read');

  write('base', { 'features.ts': SOURCES.replace('/*@*/', ', note: string().optional()') });
  const wider = await of(base, 'apply');
  assert.equal(wider.code, 0, wider.stdout);
  assert.equal(wider.result.diff.changes[0].class, 'compatible');
  const behind = await of(ads, 'plan');
  assert.equal(behind.code, 4, 'what is imported is not what is applied any more');
  assert.match(behind.result.refusals[0].message, /column note removed/);
});

test('a plan of namespaces is stale where those were changed, and for other namespaces', async (t) => {
  const project = Project.create(t, null);
  const write = teams(project);
  const file = join(project.folder, 'plan.json');
  const base = write('base', { 'features.ts': SOURCES });
  const other = write('other', { 'features.ts': SOURCES });
  await project.json(['plan', '--out', file, '--project', base]);
  const elsewhere = await project.json(['apply', '--plan', file, '--project', other]);
  assert.equal(elsewhere.result.error.code, 'plan_stale');
  assert.match(elsewhere.result.error.message, /made for base, and now other/);
});
