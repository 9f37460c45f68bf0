/** The README's five minutes, as a new user would live them, on the package as it is published. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);

/** Below the repository, so that the built package finds its dependencies as an installed one. */
let base = '';
let shop = '';

const blocksOf = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1] ?? '',
  );

before(() => {
  mkdirSync(join(root, 'dist'), { recursive: true });
  base = mkdtempSync(join(root, 'dist', 'tour-'));
  shop = join(base, 'shop');
  const built = join(base, 'package', 'dist');
  const build = ['-p', join(root, 'tsconfig.build.json'), '--outDir', built];
  compile(build);
  copyFileSync(join(root, 'package.json'), join(base, 'package', 'package.json'));
  mkdirSync(join(base, 'clone'));
  writeShims();
});

after(() => rmSync(base, { recursive: true, force: true }));

function compile(args: readonly string[]): void {
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
}

/** `npm` and `npx` without a network: what they would have built, installed and found. */
function writeShims(): void {
  const asof = `exec "${process.execPath}" "${join(base, 'package', 'dist', 'cli', 'main.js')}"`;
  const shims = {
    npm: `case "$1 $2" in
  "run build") ;;
  "run asof") shift 3; ${asof} "$@" ;;
  "install ") mkdir node_modules && ln -s "${join(base, 'package')}" node_modules/asof ;;
  *) echo "npm $* is not what the tour needs" >&2; exit 9 ;;
esac`,
    npx: `[ "$1" = asof ] || exit 9; shift; ${asof} "$@"`,
  };
  mkdirSync(join(base, 'bin'));
  for (const [name, text] of Object.entries(shims)) {
    const file = join(base, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }
}

/** One shell, fed block by block; a server in its background goes when the shell is told to. */
class Session {
  output = '';
  readonly #shell: ChildProcess;
  #onOutput: () => void = () => {};

  constructor(port: number) {
    const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
    const path = `${join(base, 'bin')}:${process.env.PATH}`;
    this.#shell = spawn('bash', [], {
      cwd: join(base, 'clone'),
      env: { ...rest, PATH: path, ASOF_PORT: String(port) },
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += String(chunk);
        this.#onOutput();
      });
    }
    this.#shell.once('close', () => this.#onOutput());
  }

  /** What came out from `from` on, once it holds the text. */
  async until(text: string, from: number): Promise<string> {
    for (;;) {
      const at = this.output.indexOf(text, from);
      if (at >= 0) return this.output.slice(from, at);
      if (this.#shell.exitCode !== null) throw new Error(`the shell ended: ${this.output}`);
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
    }
  }

  /** Runs lines of the tour; every one of them has to succeed. */
  async run(lines: string): Promise<string> {
    const from = this.output.length;
    this.#shell.stdin?.write(`set -e\n${lines}\nset +e; echo '<end of block>'\n`);
    return this.until('<end of block>', from);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#shell.once('close', () => resolve()));
    this.#shell.stdin?.end('jobs -p | xargs -r kill; wait\n');
    await closed;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Expected {
  readonly payments: number;
  readonly cents: number;
  readonly largestCents: number;
  readonly country: string;
}

/** The sums of a user, by hand. */
function byHand(user: string): Expected {
  const events = readFileSync(join(shop, 'payments.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { user: string; amount: string; country: string })
    .filter((event) => event.user === user);
  const cents = events.map(({ amount }) => Math.round(Number(amount) * 100));
  return {
    payments: events.length,
    cents: cents.reduce((sum, one) => sum + one, 0),
    largestCents: Math.max(...cents),
    country: events.at(-1)?.country ?? '',
  };
}

function checkServed(values: Readonly<Record<string, unknown>>, user: string): void {
  const { payments, cents, largestCents, country } = byHand(user);
  assert.equal(values.payments_24h, payments);
  assert.equal(values.spent_24h, cents / 100);
  assert.equal(values.mean_amount_7d, cents / (payments * 100));
  assert.equal(values.largest_ever, largestCents / 100);
  assert.equal(values.last_country, country);
  // One event of a user every four minutes.
  const recent = Number(values.payments_10m);
  assert.ok(recent >= 1 && recent <= 3, `payments_10m ${recent}`);
  assert.equal(values.burst, recent / payments);
}

test('the five minutes of the README, block by block', async (t) => {
  const port = await freePort();
  const session = new Session(port);
  t.after(() => session.stop());
  const outputs: string[] = [];
  for (const block of blocksOf('sh tour')) {
    const from = session.output.length;
    outputs.push(await session.run(block.replaceAll('6570', String(port))));
    if (block.includes('asof dev &')) await session.until('ready at', from);
  }
  const [init = '', , served = '', trained = '', verified = ''] = outputs;
  assert.match(init, /\+ features\.ts/);
  assert.match(served, /60 of 60 events accepted/);
  const shown = Object.fromEntries(
    [...served.matchAll(/^ {2}([a-z]\w+) {2,}(\S+)$/gm)].map(([, name, value]) => [
      name,
      JSON.parse(value ?? ''),
    ]),
  );
  checkServed(shown, 'u3');
  const answer = JSON.parse(served.slice(served.indexOf('{"service"'))) as {
    rows: { key: { user: string }; values: Record<string, unknown> }[];
  };
  assert.deepEqual(
    answer.rows.map(({ key }) => key.user),
    ['u1', 'u3'],
  );
  for (const { key, values } of answer.rows) checkServed(values, key.user);
  assert.match(trained, /5 rows × 7 features/);
  await checkTraining();
  assert.match(verified, /3 answers replayed, 21 values compared\n✓ every value is identical/);
  assert.match(verified, /ready at commit \d+[\s\S]*payments {2}60 events/);
});

async function checkTraining(): Promise<void> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const file = join(shop, 'train.parquet');
  const reader = await connection.runAndReadAll(
    `SELECT user, is_fraud, payments_24h, CAST(spent_24h * 100 AS BIGINT), last_country
     FROM read_parquet('${file}')`,
  );
  const labels = ['u1', 'u2', 'u3', 'u4', 'u9'];
  assert.deepEqual(
    reader
      .getRows()
      .map((row) =>
        row.map((cell) => (typeof cell === 'string' ? cell : cell === null ? null : Number(cell))),
      ),
    labels.map((user) => {
      const { payments, cents, country } = byHand(user);
      return [user, user === 'u3' ? 1 : 0, payments, cents, country === '' ? null : country];
    }),
  );
  connection.closeSync();
  instance.closeSync();
}

test('the TypeScript of the README compiles against the published types', () => {
  const [features = '', caller = '', ...more] = blocksOf('ts');
  assert.equal(more.length, 0, 'a new block needs a place here');
  const folder = join(base, 'readme');
  mkdirSync(folder);
  const imports = readFileSync(join(shop, 'features.ts'), 'utf8').split("from 'asof';")[0];
  writeFileSync(join(folder, 'features.ts'), `${imports}from 'asof';\n${features}`);
  const typed =
    'export const spent: number = spent_24h;\nexport const country: string | null = last_country;\n';
  writeFileSync(join(folder, 'caller.ts'), caller + typed);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  copyFileSync(join(shop, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  execFileSync('ln', ['-s', join(shop, 'node_modules'), join(folder, 'node_modules')]);
  for (const project of [shop, folder]) compile(['-p', project]);
});

test('the published build has what it needs, and no tests', () => {
  const files = execFileSync('find', [join(base, 'package', 'dist'), '-name', '*.js'], {
    encoding: 'utf8',
  });
  assert.doesNotMatch(files, /\.(test|fixture)\.js/);
  for (const worker of ['definitions-worker', 'archive-worker']) {
    assert.match(files, new RegExp(`/${worker}\\.js\n`));
  }
  const main = join(base, 'package', 'dist', 'cli', 'main.js');
  const help = execFileSync(process.execPath, [main, '--help'], { encoding: 'utf8' });
  assert.match(help, /Usage: asof/);
  const testing = `import { ManualClock } from 'asof/testing'; import { createClient } from 'asof/client';
    console.log(new ManualClock(7).nowMs(), typeof createClient);`;
  const ran = execFileSync(process.execPath, ['--input-type=module', '-e', testing], {
    cwd: shop,
    encoding: 'utf8',
  });
  assert.equal(ran, '7 function\n');
});
