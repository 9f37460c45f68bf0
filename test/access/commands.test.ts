import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { COMMAND_ACCESS, pathOf } from '../../src/cli/command-access.ts';
import { createProgram } from '../../src/cli/program.ts';
import { AccessWorld, type Who } from './world.ts';

const program = createProgram(
  () => async () => {},
  async () => {},
);

function commandsOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(commandsOf);
}

const COMMANDS = commandsOf(program);

test('every command says what it does, and nothing is said of commands that there are not', () => {
  const paths = COMMANDS.map(pathOf);
  assert.deepEqual(
    paths.filter((path) => !Object.hasOwn(COMMAND_ACCESS, path)),
    [],
    'commands that are missing in src/cli/command-access.ts',
  );
  assert.deepEqual(
    Object.keys(COMMAND_ACCESS).filter((path) => !paths.includes(path)),
    [],
  );
});

interface Names {
  readonly space: string;
  readonly source: string;
  readonly service: string;
  readonly view: string;
  readonly dataset: string;
}

const REAL: Names = {
  space: 'hush',
  source: 'hush.payments',
  service: 'hush.checks',
  view: 'hush.use',
  dataset: 'hush.set',
};
const ABSENT: Names = {
  space: 'ghost',
  source: 'ghost.payments',
  service: 'ghost.checks',
  view: 'ghost.use',
  dataset: 'ghost.set',
};

/** By the name of an argument what it names, where commands do not differ in it. */
function argumentOf(path: string, name: string, names: Names): string | null {
  const byName: Record<string, string | null> = {
    ...{ source: names.source, service: names.service, view: `${names.view}@1` },
    ...{ dataset: `${names.dataset}@1`, before: `${names.dataset}@1`, after: `${names.dataset}@2` },
    ...{ tables: names.source, keys: 'card=a', file: 'events.ndjson', files: 'events.ndjson' },
    ...{ words: 'uses', names: `feature:${names.view}@1.uses`, kind: 'service' },
    ...{ version: `${names.service}@1`, action: 'features.read', who: 'hush_reader' },
    ...{ role: 'reader', namespace: names.space, labels: 'pii', id: '0123456789abcdef' },
    ...{ identity: 'hush_reader', folder: null },
  };
  if (name === 'name') {
    if (path.startsWith('namespace')) return names.space;
    if (path.startsWith('access identity')) return 'hush_reader';
    return path === 'dataset list' ? names.dataset : names.service;
  }
  const value = byName[name];
  assert.ok(value !== undefined, `asof ${path}: the test does not know what <${name}> names`);
  return value;
}

/** Options without which a command is not understood. */
function optionsOf(path: string, names: Names, url: string): string[] {
  if (COMMAND_ACCESS[path] === 'server') {
    return ['--url', url, ...(path === 'deadletters export' ? ['--out', 'letters.ndjson'] : [])];
  }
  if (path === 'train') return ['--service', names.service, '--spine', 's.csv', '--out', 'o.csv'];
  if (path === 'access check') return ['--as', 'hush_reader'];
  if (path.startsWith('access rule') && path !== 'access rule list') {
    return ['--column', `${names.source}.amount`, '--label', 'money'];
  }
  if (path === 'forget') return ['--entity', `${names.space}.card=a`, '--reason', 'asked'];
  return [];
}

function lineOf(command: Command, names: Names, url: string): string[] {
  const path = pathOf(command);
  const given = command.registeredArguments.map((one) => argumentOf(path, one.name(), names));
  const words = given.filter((word) => word !== null);
  return [...path.split(' '), ...words, ...optionsOf(path, names, url)];
}

test('no command tells another team, or nobody, anything of a team', async (t) => {
  const world = await AccessWorld.create(t);
  world.project.write('events.ndjson', '{"payment":"p","card":"a","amount":1,"at":1}\n');
  world.project.write('s.csv', 'card,event_time\na,2026-01-01T00:00:00Z\n');
  const url = await world.serve();
  const failures: string[] = [];
  const ask = async (who: Who, line: readonly string[]) => {
    const { code, result, stdout, stderr } = await world.as(who, line);
    return { code, error: result.error, text: stdout + stderr };
  };
  for (const command of COMMANDS) {
    const path = pathOf(command);
    if (COMMAND_ACCESS[path] === 'open') continue;
    const real = lineOf(command, REAL, url);
    const nobody = await ask('nobody', real);
    if (nobody.error?.code !== 'unauthenticated') failures.push(`nobody: ${path}: ${nobody.text}`);
    for (const who of ['shop_reader', 'shop_admin'] as const) {
      const named = lineOf(command, ABSENT, url);
      const [told, other] = [await ask(who, real), await ask(who, named)];
      const plain = (text: string): string => text.replaceAll(/\b(hush|ghost)(\.\w+)?\b/g, '_');
      const [a, b] = [plain(told.text), plain(other.text)];
      const isSame = a === b || timeless(a) === timeless(b);
      if (!isSame || told.code !== other.code) failures.push(`${who}: ${path}: ${a} | ${b}`);
      const seen = withoutOwnWords(told.text, real);
      if (/hush|spent|card/.test(seen)) failures.push(`${who} sees: ${path}: ${seen}`);
      if (named.join(' ') !== real.join(' ') && told.code === 0 && !/list|search/.test(path)) {
        failures.push(`${who} may: ${path}: ${told.text}`);
      }
    }
  }
  assert.deepEqual(failures, []);
});

/** Durations and times differ from run to run. */
function timeless(text: string): string {
  return text.replaceAll(/\d+/g, '0');
}

/** What somebody said may come back to them. */
function withoutOwnWords(text: string, line: readonly string[]): string {
  const words = line.join(' ').match(/[a-z_]+(\.[a-z_]+)?/g) ?? [];
  return words.reduce((rest, word) => rest.replaceAll(word, ''), text);
}
