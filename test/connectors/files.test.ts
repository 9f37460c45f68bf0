import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ServerProcess } from '../crash/server-process.ts';

const FEATURES = `
import { count, entity, int64, lifetime, service, stream, string, timestamp, view } from 'asof';
const person = entity('person', { keys: { user: string() } });
const clicks = stream('clicks', {
  columns: { at: timestamp(), user: string(), n: int64() },
  eventTime: 'at',
  allowedLateness: '36500d',
});
const clicksOf = view('clicks_of', {
  version: 1,
  source: clicks,
  entity: person,
  key: { user: 'user' },
  features: () => ({ clicks_ever: count().over(lifetime()) }),
});
export const clicking = service('clicking', { version: 1, features: [clicksOf.all()] });
`;

const root = join(import.meta.dirname, '..', '..');

interface StatusAnswer {
  readonly sources: readonly { readonly applied: number; readonly deadLetters: number }[];
  readonly connectors: readonly {
    readonly name: string;
    readonly state: string;
    readonly position: string;
    readonly problem: { readonly code: string } | null;
  }[];
}

async function statusOf(url: string): Promise<StatusAnswer> {
  const answer = await fetch(`${url}/v1/status`);
  return (await answer.json()) as StatusAnswer;
}

async function until(url: string, holds: (status: StatusAnswer) => boolean): Promise<StatusAnswer> {
  for (;;) {
    const status = await statusOf(url);
    if (holds(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a server that is killed while it reads files takes every row once', async () => {
  const project = mkdtempSync(join(tmpdir(), 'asof-files-'));
  const inbox = join(project, 'inbox');
  mkdirSync(inbox);
  const settings = {
    connectors: [
      { name: 'clicks_in', type: 'files', source: 'clicks', path: 'inbox/', format: 'ndjson' },
      { name: 'lost', type: 'files', source: 'nothing', path: 'inbox/', format: 'csv' },
    ],
  };
  writeFileSync(join(project, 'asof.json'), JSON.stringify(settings));
  writeFileSync(join(project, 'features.ts'), FEATURES);
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules', 'asof'), 'dir');
  let total = 0;
  let poison = 0;
  let running: ServerProcess | null = null;
  try {
    for (let life = 0; life < 3; life++) {
      const lines = Array.from({ length: 20_000 }, (_, i) =>
        JSON.stringify({ at: 1_700_000_000_000, user: `u${i % 7}`, n: total + i }),
      );
      total += lines.length;
      poison += 1;
      appendFileSync(join(inbox, `part-${life}.ndjson`), `${lines.join('\n')}\n{"at":\n`);
      const server = await ServerProcess.start(project);
      running = server;
      // Killed somewhere within the file, except for the last one.
      if (life < 3)
        await until(server.url, ({ sources }) => (sources[0]?.applied ?? 0) > total - 18_000);
      else await until(server.url, ({ sources }) => sources[0]?.applied === total);
      await server.kill();
    }
    const server = await ServerProcess.start(project);
    running = server;
    const { connectors } = await until(
      server.url,
      ({ connectors: [, lost], sources: [clicks] }) =>
        lost?.state === 'refused' && clicks?.applied === total && clicks.deadLetters === poison,
    );
    assert.equal(connectors[1]?.problem?.code, 'unknown_source');
    appendFileSync(join(inbox, 'part-2.ndjson'), '{"at":1700000000000,"user":"late","n":1}\n');
    await until(server.url, (status) => status.sources[0]?.applied === total + 1);
    const { sources } = await statusOf(server.url);
    assert.equal(sources[0]?.deadLetters, poison);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    for (const line of [
      'asof_connector_state{connector="clicks_in",state="running"} 1',
      'asof_connector_state{connector="lost",state="refused"} 1',
      'asof_connector_behind{connector="clicks_in"} 0',
      'asof_connector_rows_total{connector="clicks_in",verdict="rejected"}',
      'asof_connector_retries{connector="clicks_in"} 0',
      'asof_connector_problems{connector="lost"} 1',
    ]) {
      assert.ok(metrics.includes(line), line);
    }
    await server.stop();
  } finally {
    await running?.kill();
    rmSync(project, { recursive: true, force: true });
  }
});
