import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { string, timestamp } from '../define/column.ts';
import { stream } from '../define/stream.ts';
import { compileProject } from '../plan/compile.ts';
import { loadConfig } from './config.ts';
import { Platform } from './platform.ts';

const YEAR_2100 = Date.UTC(2100, 0, 1);
const columns = { id: string(), at: timestamp(), known: timestamp() };
const imported = stream('imported', { columns, eventTime: 'at', arrivalTime: 'known', id: 'id' });
const stamped = stream('stamped', { columns, eventTime: 'at', id: 'id' });

function configOf(folder: string, clock: string) {
  return loadConfig(folder, { port: 0, logLevel: 'silent', clock }, {});
}

async function push(platform: Platform, event: object): Promise<Response> {
  return fetch(`${platform.url}/v1/events/imported`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
}

test('simulated time needs the arrival times of every stream', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = configOf(folder, 'arrival');
  await assert.rejects(Platform.start(config, compileProject([imported, stamped])), {
    code: 'invalid_config',
    message: /'stamped' declares none/,
    remedy: /arrivalTime .*for 'stamped'.*"wall"/,
  });
  const platform = await Platform.start(config, compileProject([imported]));
  t.after(() => platform.stop());
  const taken = await push(platform, { id: 'a', at: YEAR_2100, known: YEAR_2100 });
  assert.equal(taken.status, 200, 'there declared arrivals are the clock');
  assert.equal(platform.status().asOfMs, YEAR_2100);
  await assert.rejects(platform.use(compileProject([stamped])), { code: 'invalid_config' });
  assert.equal((await push(platform, { id: 'b', at: YEAR_2100, known: YEAR_2100 })).status, 200);
});

test('an arrival declared in the far future does not move the time of a wall clock', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const platform = await Platform.start(configOf(folder, 'wall'), compileProject([imported]));
  t.after(() => platform.stop());
  const refused = await push(platform, { id: 'a', at: YEAR_2100, known: YEAR_2100 });
  assert.equal(refused.status, 422);
  const { rejections } = (await refused.json()) as { rejections: Record<string, string>[] };
  assert.equal(rejections[0]?.code, 'from_the_future');
  assert.equal(rejections[0]?.column, 'known');
  assert.match(rejections[0]?.message ?? '', /'known' lies \d+ ms ahead of the clock; 60000/);
  const { asOfMs, sources } = platform.status();
  assert.ok(asOfMs < YEAR_2100);
  assert.equal(sources[0]?.deadLetters, 1);
});
