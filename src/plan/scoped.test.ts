import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { count, sum } from '../define/aggregate.ts';
import { int64, string, timestamp } from '../define/column.ts';
import { dataset } from '../define/dataset.ts';
import { entity } from '../define/entity.ts';
import { model } from '../define/model.ts';
import { service } from '../define/service.ts';
import { spineFile } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { namespaceOf } from '../schema/types.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { parsePlan } from './load.ts';
import type { ProjectPlan } from './plan.ts';
import { mergeScoped } from './scoped.ts';

interface Shape {
  readonly lateness?: '1d' | '2d';
  readonly extra?: boolean;
  readonly owner?: string;
}

function eventsOf(namespace: string, { lateness = '1d', extra = false, owner = 'x' }: Shape = {}) {
  return stream(`${namespace}.events`, {
    columns: {
      user: string(),
      amount: int64(),
      at: timestamp(),
      ...(extra ? { note: string().optional() } : {}),
    },
    eventTime: 'at',
    allowedLateness: lateness,
    owner,
  });
}

const user = entity('base.user', { keys: { user: string() } });

function spendOf(name: string, source: ReturnType<typeof eventsOf>, version = 1) {
  return view(name, {
    version,
    source,
    entity: user,
    key: { user: 'user' },
    features: (event) => ({
      spent: sum(event.amount).over(sliding(version === 1 ? '1h' : '2h')),
      events: count().over(lifetime()),
    }),
  });
}

function issuesOf(
  current: readonly unknown[],
  compiled: readonly unknown[],
  own: string,
): string[] {
  const merged = mergeScoped(compileProject(current), compileProject(compiled), [own]);
  return merged.issues.map(({ code, path, message, remedy }) =>
    [code, path, message, remedy].join(' | '),
  );
}

test('what is imported is what is applied, or refused with what differs', () => {
  const applied = [eventsOf('base'), user];
  assert.deepEqual(issuesOf(applied, [spendOf('a.spend', eventsOf('base'))], 'a'), []);
  const [changed] = issuesOf(
    applied,
    [spendOf('a.spend', eventsOf('base', { lateness: '2d' }))],
    'a',
  );
  assert.match(
    changed ?? '',
    /^foreign_definition \| sources\.base\.events \| source base\.events is/,
  );
  assert.match(changed ?? '', /of the namespace 'base', which this project \(a\) only reads/);
  assert.match(changed ?? '', /allowed lateness: 1d → 2d\. \| Import the definition of 'base'/);
  const [unknown] = issuesOf(applied, [spendOf('a.spend', eventsOf('c'))], 'a');
  assert.match(unknown ?? '', /c\.events is .* it is not applied there\. \| Whoever owns 'c'/);
  const described = [spendOf('a.spend', eventsOf('base', { owner: 'me' }))];
  assert.deepEqual(issuesOf(applied, described, 'a'), [], 'how it is described is its owner’s');
});

test('what may not be read is answered as what is not there, equal or not', () => {
  const compiled = compileProject([spendOf('a.spend', eventsOf('base'))]);
  const answers = [
    [eventsOf('base'), user],
    [eventsOf('base', { lateness: '2d' }), user],
    [eventsOf('other')],
  ].map((applied) => mergeScoped(compileProject(applied), compiled, ['a'], () => false).issues);
  const [equal, changed, absent] = answers;
  assert.equal(equal?.length, 2);
  assert.deepEqual(equal, absent);
  assert.deepEqual(changed, absent);
});

test('what others read neither goes nor changes, and only their number is told', () => {
  const events = eventsOf('base');
  const readers = [spendOf('secret.one', events), spendOf('secret.two', events)];
  const current = [
    ...readers,
    service('secret.all', { version: 1, features: readers.slice(0, 1).map((one) => one.all()) }),
  ];
  const [gone, ...more] = issuesOf(current, [user], 'base');
  assert.deepEqual(more, []);
  assert.match(
    gone ?? '',
    /^still_read \| sources\.base\.events \| source base\.events goes, and 2 def/,
  );
  const [changed] = issuesOf(current, [eventsOf('base', { lateness: '2d' }), user], 'base');
  assert.match(changed ?? '', /changes \(allowed lateness: 1d → 2d\), and 2 definitions of other/);
  assert.match(changed ?? '', /\| Take the change back, or define a new source beside/);
  assert.doesNotMatch(`${gone}${changed}`, /secret/);
  assert.deepEqual(issuesOf(current, [eventsOf('base', { extra: true }), user], 'base'), []);
});

test('two versions: an old one that others read stays', () => {
  const events = eventsOf('base');
  const shared = spendOf('base.spend', events);
  const current = [service('secret.all', { version: 1, features: [shared.all()] }), events];
  const [gone] = issuesOf(current, [spendOf('base.spend', events, 2)], 'base');
  assert.match(
    gone ?? '',
    /view base\.spend@1 goes, and one definition of another namespace reads/,
  );
  assert.deepEqual(issuesOf(current, [shared, spendOf('base.spend', events, 2)], 'base'), []);
});

const TEAMS = ['base', 'ads', 'fraud', 'shop'] as const;

/** For each team, its views: each over the events of some team. */
const world = fc.array(
  fc.record({
    team: fc.constantFrom(...TEAMS, 'default'),
    source: fc.constantFrom(...TEAMS),
    name: fc.constantFrom('p', 'q', 'r'),
    version: fc.constantFrom(1, 2),
  }),
  { minLength: 1, maxLength: 12 },
);

function projectsOf(
  views: readonly { team: string; source: string; name: string; version: number }[],
) {
  const sources = new Map(TEAMS.map((team) => [team as string, eventsOf(team)]));
  const seen = new Set<string>();
  return [...TEAMS, 'default'].map((team) => {
    const own = views.flatMap(({ source, ...one }) => {
      const title = `${one.team}.${one.name}@${one.version}`;
      if (one.team !== team || seen.has(title)) return [];
      seen.add(title);
      const name = team === 'default' ? one.name : `${team}.${one.name}`;
      const events = sources.get(source) ?? assert.fail();
      const spend = spendOf(name, events, one.version);
      return [spend, service(`${name}_all`, { version: one.version, features: [spend.all()] })];
    });
    const events = [sources.get(team) ?? []].flat();
    return { team, definitions: [...own, user, ...events], sources: [user, ...events] };
  });
}

test('what a model of another namespace was trained on stays', () => {
  const checks = service('base.checks', {
    version: 1,
    features: [spendOf('base.spend', eventsOf('base')).all()],
  });
  const spine = spineFile('rows.csv');
  const rows = dataset('base.rows', { version: 1, service: checks, spine });
  const scorer = model('fraud.scorer', { version: 1, service: checks, trainedOn: rows });
  const [issue] = issuesOf([scorer], [checks], 'base');
  assert.match(issue ?? '', /still_read .* dataset base.rows@1 goes, and one definition/);
  assert.deepEqual(issuesOf([scorer], [rows], 'base'), []);
});

test('teams that apply one after another, in any order, make what all make together', () => {
  fc.assert(
    fc.property(world, fc.infiniteStream(fc.nat()), (views, random) => {
      const projects = projectsOf(views);
      const together = compileProject(projects.flatMap(({ definitions }) => definitions));
      let current: ProjectPlan | null = null;
      // Teams that read each other apply what is read first, and then the rest.
      const waiting = projects.flatMap(({ team, definitions, sources }) => [
        { team, compiled: compileProject(sources) },
        { team, compiled: compileProject(definitions) },
      ]);
      for (let refused = 0; waiting.length > 0; ) {
        assert.ok(refused <= 2_000, 'one of them can always be applied');
        const at = (random.next().value ?? 0) % waiting.length;
        const first = waiting.findIndex(({ team }) => team === waiting[at]?.team);
        const [next] = waiting.splice(first, 1);
        assert.ok(next);
        const { plan, issues } = mergeScoped(current, next.compiled, [next.team]);
        if (issues.length === 0) current = plan;
        else {
          // What it reads of another team is not there yet.
          assert.ok(issues.every(({ code }) => code === 'foreign_definition'));
          waiting.splice(first, 0, next);
          refused += 1;
        }
      }
      assert.ok(current !== null);
      assert.equal(canonicalJson(current), canonicalJson(together));
      parsePlan(canonicalJson(current));
      // A team that applies nothing more leaves the others as they are.
      const [first] = projects;
      const without = mergeScoped(current, compileProject([user]), [first?.team ?? '']);
      const kept = without.plan.views.filter(({ name }) => namespaceOf(name) !== first?.team);
      assert.equal(
        canonicalJson(kept),
        canonicalJson(together.views.filter(({ name }) => namespaceOf(name) !== first?.team)),
      );
    }),
    { numRuns: 60 },
  );
});
