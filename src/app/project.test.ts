import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { loadConfig } from './config.ts';
import { Platform } from './platform.ts';
import { applyProject, planProject } from './project.ts';
import { runServer } from './server.ts';

const ASOF = join(import.meta.dirname, '..', '..');

function definitions(amount: string, version: number, source = 'clicks'): string {
  return `
    import { count, entity, ${amount.split('(')[0]}, lifetime, service, stream, string, timestamp, view } from 'asof';
    const user = entity('user', { keys: { user: string() } });
    const events = stream('${source}', { columns: { user: string(), amount: ${amount}, at: timestamp() }, eventTime: 'at' });
    const seen = view('seen', { version: ${version}, source: events, entity: user, key: { user: 'user' },
      features: () => ({ seen_ever: count().over(lifetime()) }) });
    export const model = service('model', { version: ${version}, features: [seen.all()] });
  `;
}

function project(text: string): { folder: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'asof-project-'));
  const write = (definitionsText: string): void =>
    writeFileSync(join(folder, 'features.ts'), definitionsText);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ASOF, join(folder, 'node_modules', 'asof'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  write(text);
  writeFileSync(join(folder, 'asof.json'), JSON.stringify({ port: 0, logLevel: 'silent' }));
  return { folder, write };
}

async function push(platform: Platform, source: string): Promise<void> {
  const event = { user: 'u', amount: 1, at: Date.now() };
  const response = await fetch(`${platform.url}/v1/events/${source}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([event, event]),
  });
  assert.equal(response.status, 200);
}

const hasCode = (code: string) => (error: unknown) =>
  error instanceof AsofError && error.code === code;

test('a column of logged events keeps its type: plan lists it, apply refuses it', async () => {
  const { folder, write } = project(definitions('int64()', 1));
  try {
    const config = loadConfig(folder);
    const { diff } = await applyProject(config, 'test');
    assert.equal(diff.added, 4);
    const { plan } = await planProject(config);
    const platform = await Platform.start(config, plan);
    await push(platform, 'clicks').finally(() => platform.stop());
    write(definitions('decimal(2)', 2));
    const planned = await planProject(config);
    assert.deepEqual(
      planned.refusals.map((one) => one.path),
      ['sources.clicks.columns.amount'],
    );
    await assert.rejects(applyProject(config, 'test'), hasCode('type_mismatch'));
    assert.equal((await planProject(config)).generation, 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a second dev process changes nothing that the first one serves', async () => {
  const { folder, write } = project(definitions('int64()', 1));
  const config = loadConfig(folder);
  await applyProject(config, 'test');
  const { plan } = await planProject(config);
  const platform = await Platform.start(config, plan);
  try {
    write(definitions('int64()', 1, 'others'));
    const ignore = (): void => {};
    const events = {
      started: ignore,
      applied: ignore,
      reloaded: ignore,
      released: ignore,
      registry: ignore,
      refused: ignore,
      stopping: ignore,
    };
    await assert.rejects(runServer(config, { watch: true }, events), hasCode('directory_in_use'));
    assert.equal((await planProject(config)).generation, 1);
  } finally {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the events of a removed source do not stop a rebuild, and are there when it is back', async () => {
  const { folder, write } = project(definitions('int64()', 1));
  const config = { ...loadConfig(folder), archiveEverySeconds: 3600 };
  const run = async (work: (platform: Platform) => Promise<void>): Promise<void> => {
    await applyProject(config, 'test');
    const platform = await Platform.start(config, (await planProject(config)).plan);
    await work(platform).finally(() => platform.stop());
  };
  const seen = async (platform: Platform): Promise<unknown> => {
    const response = await fetch(`${platform.url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service: 'model', rows: [{ user: 'u' }] }),
    });
    const answer = (await response.json()) as { rows: { values: { seen_ever: number } }[] };
    return answer.rows[0]?.values.seen_ever;
  };
  try {
    await run(async (platform) => push(platform, 'clicks'));
    write(definitions('int64()', 2, 'others'));
    rmSync(join(config.dataDir, 'state'), { recursive: true });
    await run(async (platform) => {
      assert.equal(await seen(platform), 0);
      await push(platform, 'others');
      assert.equal(await seen(platform), 2);
    });
    write(definitions('int64()', 3, 'clicks'));
    rmSync(join(config.dataDir, 'state'), { recursive: true });
    await run(async (platform) => assert.equal(await seen(platform), 2));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
