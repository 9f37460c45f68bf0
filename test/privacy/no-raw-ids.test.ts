import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { Column } from '../../src/schema/batch.ts';
import { writeColumns } from '../../src/schema/columns-writer.ts';
import { schemaFingerprint } from '../../src/schema/fingerprint.ts';
import type { SourceSchema, ValueType } from '../../src/schema/types.ts';
import { done, filesBelow, openProject, send } from './privacy-world.ts';

/** Of every raw id that is sent anywhere: none may be found. */
const PLANTED = 'planted';
let planted = 0;
/** Never twice the same, long and short, beyond ASCII too. */
function id(): string {
  planted += 1;
  return `${PLANTED}${planted}${planted % 3 === 0 ? 'é'.repeat(planted) : '@example.org'}`;
}

/** As the definitions have it: columns in the order of their names. */
const PAYMENTS = {
  name: 'payments',
  columns: [
    { name: 'amount', type: { kind: 'decimal', scale: 2 } },
    { name: 'at', type: { kind: 'timestamp' } },
    { name: 'payee', type: { kind: 'string' } },
    { name: 'payment', type: { kind: 'string' } },
    { name: 'user', type: { kind: 'string' } },
  ],
} as unknown as SourceSchema;

function strings(values: string[]): Column {
  return { kind: 'string', type: { kind: 'string' }, values, valid: null };
}

function numbers(kind: 'decimal' | 'timestamp', values: number[]): Column {
  const type: ValueType = kind === 'decimal' ? { kind, scale: 2 } : { kind };
  return { kind: 'number', type, values: Float64Array.from(values), wide: null, valid: null };
}

const lines = (rows: readonly object[]): string =>
  rows.map((row) => JSON.stringify(row)).join('\n');

test('whatever door they come to, no raw id is kept, logged or answered', async (t) => {
  const project = await openProject(t, true);
  const nowMs = Date.now();
  const payment = (more: object = {}) => ({
    ...{ payment: `p${planted}`, user: id(), payee: id(), amount: 5, at: nowMs },
    ...more,
  });
  const account = (op: string, user: string, tier: unknown = 1) => ({ op, user, tier, at: nowMs });
  mkdirSync(join(project.folder, 'inbox'));
  writeFileSync(
    join(project.folder, 'inbox', 'a.ndjson'),
    `${lines([payment(), payment({ amount: id() })])}\n{"user":"${id()}\n`,
  );
  project.write(
    'asof.json',
    JSON.stringify({
      ...{
        port: 0,
        serveLogRate: 1,
        logLevel: 'debug',
        archiveEverySeconds: 1,
        privacy: { keyFile: 'tokens.key' },
      },
      connectors: [
        { name: 'inbox', type: 'files', source: 'payments', path: 'inbox/', format: 'ndjson' },
      ],
    }),
  );
  const server = await project.server('serve');
  const answers: string[] = [];
  const push = async (source: string, body: string, type?: string) =>
    answers.push(await send(server, `/v1/events/${source}`, body, type));
  const known = [payment(), payment()];
  await push('payments', JSON.stringify(known));
  await push('payments', JSON.stringify(known));
  await push(
    'payments',
    lines([payment(), payment({ amount: 'much' }), payment({ at: 5 })]),
    'application/x-ndjson',
  );
  await push(
    'payments',
    lines([payment({ payee: 7 }), payment({ amount: id() }), payment({ user: [id()] })]),
    'application/x-ndjson',
  );
  await push(
    'payments',
    lines([payment({ at: id() }), payment({ [id()]: id() }), payment({ payment: null })]),
    'application/x-ndjson',
  );
  await push('payments', `{"payment":"x","user":"${id()}","amount":`, 'application/x-ndjson');
  await push('payments', `"${id()}"\n[${JSON.stringify(id())}]\n${id()}\n`, 'application/x-ndjson');
  await push('payments', `[{"user":"${id()}"`);
  const columns = [
    numbers('decimal', [5, 5]),
    numbers('timestamp', [nowMs, 7]),
    strings([id(), id()]),
    strings([`p${planted}`, `q${planted}`]),
    strings([id(), id()]),
  ];
  const body = writeColumns(schemaFingerprint(PAYMENTS), 2, columns);
  const taken = await send(server, '/v1/events/payments', body, 'application/vnd.asof.columns');
  assert.deepEqual(JSON.parse(taken).accepted, 1, taken);
  answers.push(taken);
  const [first, second] = [id(), id()];
  await push(
    'accounts',
    JSON.stringify([account('c', first), account('c', second), account('u', first, 2)]),
  );
  await push(
    'accounts',
    JSON.stringify([
      account('d', second),
      account('u', id()),
      account('x', id()),
      account('d', id()),
    ]),
  );
  mkdirSync(join(project.folder, 'limits'));
  const since = new Date(nowMs - 60_000).toISOString();
  const limit = (user: string, ceiling: unknown = 1) => `${user},${ceiling},${since}`;
  const upstream = (rows: readonly string[]) =>
    project.write('limits/a.csv', `user,ceiling,since\n${rows.join('\n')}\n`);
  const kept = Array.from({ length: 12 }, () => limit(id()));
  upstream([...kept, limit(id(), 'no')]);
  const outputs: string[] = [];
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await project.run(args);
    outputs.push(stdout, stderr);
  };
  await run('materialize', 'limits', '--json');
  upstream([...kept.slice(1), limit(first, 9), limit(id()), kept[2] ?? '']);
  await run('materialize', 'limits', '--accept', 'twice');
  upstream([...kept, `"${id()}`]);
  await run('materialize', 'limits');
  upstream([...kept.slice(1), limit(first, 9)]);
  await run('materialize', 'limits');
  const day = 86_400_000;
  const old = (more: object = {}) => ({
    ...payment(more),
    at: new Date(nowMs - day).toISOString(),
  });
  project.write(
    'old.ndjson',
    `${lines([old(), old(), old({ amount: id() }), { ...old(), at: id() }])}\n`,
  );
  await run('import', 'payments', 'old.ndjson', '--assumed-delay', '1s', '--json');
  const csv = [
    'payment,user,payee,amount,at',
    ...[old(), old()].map((row) => Object.values(row).join(',')),
  ];
  project.write('old.csv', `${csv.join('\n')}\n"${id()}\n`);
  await run('import', 'payments', 'old.csv', '--assumed-delay', '1s');
  const ask = async (rows: readonly unknown[]) =>
    send(server, '/v1/features', JSON.stringify({ service: 'users', rows }));
  const [known1] = known;
  const asked = await ask([{ user: known1?.user }, { user: first }]);
  assert.match(
    asked,
    new RegExp(`"user":"${known1?.user}"`),
    'the caller is answered by what it gave',
  );
  assert.equal(JSON.parse(asked).rows[0].values.payments, 1);
  assert.equal(JSON.parse(asked).rows[1].values.ceiling, 9);
  assert.equal(JSON.parse(asked).rows[1].values.tier, 2);
  // A name that no field has is told to whoever sent it, and to nobody else.
  await ask([{ user: id(), [id()]: 1 }]);
  answers.push(await ask([{ user: [id()] }]));
  await run('get', 'users', `user=${id()}`, '--url', server.url);
  project.write(
    'spine.csv',
    `user,event_time,label\n${[known1?.user, first, id()].map((user) => `${user},${new Date().toISOString()},1`).join('\n')}\n`,
  );
  for (const out of ['a.csv', 'a.parquet', 'a.arrow', 'a.ndjson']) {
    await done(project, [
      'train',
      '--service',
      'users',
      '--spine',
      'spine.csv',
      '--out',
      `out-${out}`,
    ]);
  }
  project.write('spine.ndjson', `{"user":"${first}","event_time":"${new Date().toISOString()}"}\n`);
  await done(project, [
    'train',
    '--service',
    'users',
    '--spine',
    'spine.ndjson',
    '--out',
    'out-b.ndjson',
    '--name',
    'people',
  ]);
  await done(project, [
    'train',
    '--service',
    'users',
    '--spine-events',
    'payments',
    '--columns',
    'user=user',
    '--out',
    'out-c.csv',
  ]);
  await done(project, [
    'train',
    '--service',
    'users',
    '--spine-file',
    'rows=spine.csv',
    '--spine-query',
    'SELECT user, event_time FROM rows',
    '--out',
    'out-d.csv',
  ]);
  await run(
    'train',
    '--service',
    'users',
    '--spine',
    'spine.csv',
    '--check-leakage',
    '--label',
    'label',
  );
  await run('deadletters', 'list', 'payments', '--json', '--url', server.url);
  await done(project, [
    'deadletters',
    'export',
    'payments',
    '--out',
    'out-letters.ndjson',
    '--url',
    server.url,
  ]);
  await run('deadletters', 'readmit', 'payments', '--url', server.url);
  await run('dataset', 'rebuild', 'people', '--out', 'out-e.ndjson');
  await run('verify', '--json');
  await run('status', '--json', '--url', server.url);
  for (const path of [
    '/metrics',
    '/v1/dead-letters',
    '/v1/status',
    '/v1/sources/payments/lateness',
    '/v1/sources/payments/drift',
    '/v1/services',
  ]) {
    answers.push(await (await fetch(`${server.url}${path}`)).text());
  }
  await server.stop();
  await run('gc', '--compact');
  const verified = outputs.find((text) => text.includes('"mismatches"')) ?? '';
  assert.match(verified, /"mismatches":0/);
  const texts = [...answers, ...outputs, server.stderr, JSON.stringify(server.lines)];
  for (const text of texts)
    assert.ok(
      !text.includes(PLANTED),
      text.slice(Math.max(0, text.indexOf(PLANTED) - 300)).slice(0, 600),
    );
  const session = await DuckDbSession.open();
  t.after(() => session.close());
  // What is told of rows that change nothing names them by their tokens.
  assert.ok(answers.some((text) => /No event of user 't1\.[\w-]{22}'/.test(text)));
  let files = 0;
  let archived = 0;
  for (const { path, bytes } of filesBelow(project.folder)) {
    const isGiven = /\/(inbox|limits)\/|\/(old\.|spine\.)/.test(path);
    if (isGiven || path.includes('node_modules')) continue;
    files += 1;
    const near = bytes.subarray(Math.max(0, bytes.indexOf(PLANTED) - 100)).subarray(0, 300);
    assert.ok(!bytes.includes(PLANTED), `${path}: ${near}`);
    if (!path.endsWith('.parquet')) continue;
    // Its pages are compressed.
    const rows = await session.rows(`SELECT to_json(r)::VARCHAR FROM read_parquet('${path}') AS r`);
    assert.ok(
      rows.every(([text]) => !String(text).includes(PLANTED)),
      path,
    );
    if (path.includes('archive')) archived += rows.length;
  }
  assert.ok(archived > 5, `${archived} archived events were looked at`);
  assert.ok(files > 20, `${files} files were looked at`);
});
