import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project, paymentLines } from './project.ts';

const COMMANDS = [
  'init',
  'plan',
  'apply',
  'dev',
  'serve',
  'push',
  'get',
  'status',
  'deadletters',
  'lateness',
  'train',
  'verify',
  'validate',
  'publish',
  'rollback',
  'releases',
  'gc',
];

const DATASET_COMMANDS = ['list', 'show', 'diff', 'rebuild', 'delete'];

test('help teaches: what a command does, an example, and lines that fit a terminal', async (t) => {
  const project = Project.create(t);
  const help = await project.run(['--help']);
  assert.equal(help.code, 0);
  for (const name of COMMANDS) assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'), name);
  assert.match(help.stdout, /Exit codes/);
  const pages = await Promise.all(
    [...COMMANDS, ...DATASET_COMMANDS.map((name) => `dataset ${name}`)].map(async (name) => ({
      name,
      ...(await project.run([...name.split(' '), '--help'])),
    })),
  );
  for (const { name, code, stdout } of [{ name: 'asof', ...help }, ...pages]) {
    assert.equal(code, 0, name);
    assert.match(stdout, /Example|project/, name);
    assert.match(stdout, /--json|init/, name);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 92, `${name}: ${line}`);
  }
});

test('a wrong command line is exit code 2, on stderr, with the page to read', async (t) => {
  const project = Project.create(t);
  const cases: readonly [readonly string[], RegExp][] = [
    [['frob'], /asof frob: unknown command 'frob'[\s\S]*asof --help/],
    [['psuh', 'payments'], /Did you mean push\?/],
    [['get', 'cards'], /missing required argument 'keys'[\s\S]*asof get --help/],
    [['plan', '--frob'], /unknown option '--frob'/],
    [['train'], /Name a --service, or a --dataset/],
    [['publish', 'fraud'], /'fraud' names no number/],
    [['dataset', 'show', '@'], /is not of the form name@3/],
    [['validate', 'use@2', '--against', 'x'], /--against takes a whole number/],
    [['train', '--service', 'a', '--spine', 'b', '--out', 'c', '--known', 'x'], /serving, final/],
    [['dev', '--port', 'abc'], /--port takes a whole number, not 'abc'/],
    [['verify', '--sample', '-1'], /--sample/],
  ];
  const runs = await Promise.all(cases.map(([args]) => project.run(args)));
  for (const [index, { code, stdout, stderr }] of runs.entries()) {
    const [args, says] = cases[index] ?? [[], /./];
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '', args.join(' '));
    assert.match(stderr, /^error usage: /, args.join(' '));
    assert.match(stderr, says, args.join(' '));
    assert.match(stderr, /→ /, args.join(' '));
  }
  const asJson = await project.json(['get', 'cards']);
  assert.deepEqual([asJson.code, asJson.result.error.code], [2, 'usage']);
});

test('an error says code, place and remedy, on stderr for people and as JSON for machines', async (t) => {
  const project = Project.create(t);
  const unreachable = ['--url', 'http://127.0.0.1:9'];
  const cases: readonly [readonly string[], string, RegExp][] = [
    [['plan', '--project', 'nowhere'], 'file_not_found', /no folder nowhere/],
    [['plan', '--definitions', 'no.ts'], 'file_not_found', /no definitions file at .*no\.ts/],
    [['status', ...unreachable], 'server_unreachable', /http:\/\/127\.0\.0\.1:9/],
    [['get', 'cards', 'card=c', ...unreachable], 'server_unreachable', /asof dev/],
    [['push', 'payments', 'none.ndjson', ...unreachable], 'file_not_found', /none\.ndjson/],
    [['push', 'payments', '.', ...unreachable], 'unreadable_file', /is a folder/],
    [['verify'], 'not_applied', /asof apply/],
  ];
  await Promise.all(
    cases.map(async ([args, code, says]) => {
      const text = await project.run(args);
      const name = args.join(' ');
      assert.equal(text.code, 1, `${name} ${text.stderr}`);
      assert.equal(text.stdout, '', name);
      assert.match(text.stderr, new RegExp(`^error ${code}: `), name);
      assert.match(text.stderr, says, name);
      assert.match(text.stderr, /\n {2}→ .+\n$/, name);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are for terminals only.
      assert.doesNotMatch(text.stderr, /\u001b/, name);
    }),
  );
  project.write('asof.json', '{"port":0,"clck":"wall","threads":0}');
  const config = await project.json(['plan']);
  assert.equal(config.result.error.code, 'invalid_config');
  assert.deepEqual(
    config.result.error.issues.map(({ path }: { path: string }) => path).toSorted(),
    ['clck', 'threads'],
  );
});

test('a reader that stops early is no failure', () => {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
  const line = `"${process.execPath}" --conditions=asof-source "${main}" --help; echo "$?" >&2`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `(${line}) | true`], { encoding: 'utf8' });
  assert.deepEqual([stdout, stderr], ['', '0\n']);
});

test('a definitions file that prints leaves standard output to the result', async (t) => {
  const project = Project.create(t);
  const file = join(project.folder, 'features.ts');
  project.write('features.ts', `${readFileSync(file, 'utf8')}\nconsole.log('loaded');\n`);
  const { code, stdout, stderr } = await project.run(['plan', '--json']);
  assert.equal(code, 3);
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  assert.match(stderr, /loaded/);
});

test('push, get, status, train and verify against a server, as text and as JSON', async (t) => {
  const project = Project.create(t);
  const server = await project.server('dev');
  const at = ['--url', `${server.url}/`];
  const file = project.write(
    'payments.ndjson',
    `${paymentLines('c1', 3)}\n{"bro\n${paymentLines('c2', 1)}`,
  );

  const pushed = await project.json(['push', 'payments', file, ...at]);
  assert.equal(pushed.code, 1, 'a rejected event is a failure to look at');
  const { received, accepted, rejected, rejectedByCode, rejections } = pushed.result;
  assert.deepEqual([received, accepted, rejected], [5, 4, 1]);
  assert.deepEqual(rejectedByCode, { malformed_json: 1 });
  assert.deepEqual([rejections[0].row, rejections[0].line], [3, 5]);
  const repeated = await project.pipe(paymentLines('c3', 1).repeat(2), ['push', 'payments', ...at]);
  assert.equal(repeated.code, 0, 'a push can be repeated');
  assert.match(repeated.stdout, /1 of 2 events accepted/);
  assert.match(repeated.stdout, /1 rejected: duplicate\n {4}line 2 {2}payment: /);
  const wide = '{"payment":"x","card":"c","at":0,"z":1}';
  const broken = await project.pipe(`\n\n${wide}\n{"z":\n`, ['push', 'payments', '-', ...at]);
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /line 3 {2}z: .*no column 'z'/);
  assert.match(broken.stdout, /line 4 .*JSON/);
  assert.match(broken.stdout, /→ .*JSON object a line/);
  const listed = await project.json(['deadletters', 'payments', '--count', '1', ...at]);
  assert.equal(listed.result.letters.length, 1);
  assert.equal(listed.result.letters[0].raw, '{"z":');
  const letters = await project.run(['deadletters', 'payments', ...at]);
  assert.match(letters.stdout, /dead letters of payments/);
  assert.match(
    letters.stdout,
    /:\d+ unknown_column\n {4}z: .*no column 'z'.*\n {4}\{"payment":"x"/,
  );
  const again = ['deadletters', 'readmit', 'payments', '--code', 'unknown_column', ...at];
  const readmitted = await project.json(again);
  assert.equal(readmitted.code, 1);
  assert.deepEqual([readmitted.result.tried, readmitted.result.rejected], [1, 1]);
  assert.match(
    (await project.run(again)).stdout,
    /0 of 1 dead letters accepted\n {2}\S+ +unknown_col/,
  );
  assert.equal((await project.run(['deadletters', 'payments', '--code', 'x', ...at])).code, 1);
  const dated = await project.run(['deadletters', 'payments', '--from', 'noon', ...at]);
  assert.equal(dated.code, 2);
  assert.match(dated.stderr, /--from takes a time, not 'noon'/);
  const byReason = await project.json(['deadletters', 'count', ...at]);
  assert.equal(byReason.result.count, 4);
  assert.match(
    (await project.run(['deadletters', 'count', 'payments', ...at])).stdout,
    /payments {2}malformed_json +2\npayments {2}duplicate +1\n/,
  );
  for (const kind of ['ndjson', 'csv', 'parquet']) {
    const out = join(project.folder, `letters.${kind}`);
    const command = ['deadletters', 'export', 'payments', '--code', 'malformed_json', '--out', out];
    const exported = await project.json([...command, ...at]);
    assert.deepEqual([exported.code, exported.result.letters], [0, 2], kind);
    const bytes = readFileSync(out);
    if (kind === 'parquet') assert.equal(bytes.subarray(0, 4).toString(), 'PAR1');
    else assert.match(bytes.toString(), /malformed_json.*bro/);
  }
  for (const [out, code, says] of [
    [join(project.folder, 'none', 'l.ndjson'), 'file_not_found', /no folder .*none to write to/],
    [join(file, 'l.csv'), 'file_not_found', /no folder/],
  ] as const) {
    const command = ['deadletters', 'export', 'payments', '--out', out];
    const { error } = (await project.json([...command, ...at])).result;
    assert.deepEqual([error.code, error.path], [code, '--out']);
    assert.match(error.message, says);
  }
  const late = await project.json(['lateness', 'payments', '--at', '90m', ...at]);
  assert.equal(late.result.lateness.events, 5);
  const report = await project.run(['lateness', ...at]);
  assert.match(report.stdout, /an allowed lateness of … would lose[\s\S]+ for their next versions/);
  const array = project.write('array.json', '[\n{"payment":"a1","card":"c4","at":1}\n]');
  const whole = await project.json(['push', 'payments', array, ...at]);
  assert.deepEqual([whole.result.received, whole.result.rejections[0].code], [1, 'too_late']);
  const source = await project.json(['push', 'paymnts', file, ...at]);
  assert.equal(source.result.error.code, 'unknown_source');

  const got = await project.json(['get', 'cards', 'card=c1', ...at]);
  assert.deepEqual(got.result.rows[0], {
    key: { card: 'c1' },
    values: { payments_ever: 3 },
    statuses: { payments_ever: 'present' },
  });
  const text = await project.run(['get', 'cards', 'card=nobody', ...at]);
  assert.match(
    text.stdout,
    /^ {2}payments_ever {2}0 {2}default\n {2}as of 2\d{3}-.*position \d+\n$/,
  );
  const twice = await project.run(['get', 'cards', 'card=a', 'card=b', ...at]);
  assert.match(twice.stderr, /'card' is given twice/);
  const wrong = await project.run(['get', 'cards', 'crad=c1', ...at]);
  assert.match(wrong.stderr, /'crad'.*Did you mean 'card'/);

  const status = await project.json(['status', ...at]);
  assert.deepEqual(
    [status.result.state, status.result.sources[0].applied, status.result.keys],
    ['ready', 5, 3],
  );
  const shown = await project.run(['status', ...at]);
  assert.match(shown.stdout, /^ready at commit \d/);
  assert.match(shown.stdout, /payments {2}5 events {2}5 dead letters/);
  assert.match(shown.stdout, /1 duplicate/);
  for (const line of shown.stdout.split('\n')) assert.ok(line.length <= 100, line);

  const soon = new Date(Date.now() + 60_000).toISOString();
  project.write('labels.csv', `card,event_time\nc1,${soon}\nc9,${soon}\nc2,${soon}\n`);
  const request = ['train', '--service', 'cards', '--spine', 'labels.csv', '--out'];
  const trained = await project.json([...request, 'out.csv']);
  assert.deepEqual([trained.code, trained.result.rows, trained.result.known], [0, 3, 'serving']);
  const rows = readFileSync(join(project.folder, 'out.csv'), 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    rows.map((row) => row.split(',').at(-1)),
    ['payments_ever', '3', '0', '1'],
  );
  const odd = await project.run([...request, 'out.xlsx']);
  assert.deepEqual([odd.code, /Name it \.parquet/.test(odd.stderr)], [2, true]);
  const delay = await project.json([...request, 'out.csv', '--serving-delay', 'soon']);
  assert.equal(delay.result.error.code, 'invalid_duration');

  const verified = await project.json(['verify']);
  assert.deepEqual([verified.code, verified.result.mismatches], [0, 0]);
  assert.equal(verified.result.verified, 2);
  const proof = await project.run(['verify']);
  assert.match(proof.stdout, /2 answers replayed, 2 values compared\n✓ every value is identical/);
});
