import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import {
  COMPATIBILITY,
  type CompatibilityRule,
  type RuleName,
} from '../../src/plan/compatibility.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { diffPlans, type PlanDiff } from '../../src/plan/diff.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { sourceConflicts } from '../../src/plan/source-conflicts.ts';
import { generatePushes } from '../conformance/generate-events.ts';
import { COMPATIBLE_EDITS, type Edit, METADATA_EDITS } from './edits.ts';
import { SOURCE_EDITS } from './source-edits.ts';
import { askedOf, eventsThrough, titleOf, valuesOf } from './values.ts';
import { VIEW_EDITS } from './view-edits.ts';
import { definitionsOf, randomWorld } from './world.ts';

const EDITS = [...METADATA_EDITS, ...COMPATIBLE_EDITS, ...SOURCE_EDITS, ...VIEW_EDITS];

interface Case {
  readonly before: ProjectPlan;
  readonly after: ProjectPlan;
  readonly diff: PlanDiff;
  /** Views of which a value that was there is another, or is not there any more. */
  readonly differing: ReadonlySet<string>;
}

const CLASSES = [
  [METADATA_EDITS, 'metadata'],
  [COMPATIBLE_EDITS, 'compatible'],
  [SOURCE_EDITS, 'breaking'],
  [VIEW_EDITS, 'breaking'],
] as const;

/** A random project, edited, with the values of both; null where the edit does not apply. */
function tried(random: Random, edit: Edit): Case | null {
  const world = randomWorld(random);
  const edited = edit.apply(random, world);
  if (edited === null) return null;
  const before = compileProject(definitionsOf(world));
  const after = compiled(edited);
  if (after === null) return null;
  const diff = diffPlans(before, after);
  if (diff.changes.length === 0) return null;
  const pushes = generatePushes(random, before.sources);
  const events = [eventsThrough(before, pushes), eventsThrough(after, pushes)] as const;
  const asked = askedOf(
    [
      [before, events[0]],
      [after, events[1]],
    ],
    pushes,
  );
  const was = valuesOf(before, events[0], asked);
  const is = valuesOf(after, events[1], asked);
  const differing = new Set<string>();
  for (const [view, values] of was) {
    const now = is.get(view);
    for (const [what, value] of values) if (now?.get(what) !== value) differing.add(view);
  }
  return { before, after, diff, differing };
}

/** Null where the edit cannot be: a feature of another type that something else reads. */
function compiled(world: Parameters<typeof definitionsOf>[0]): ProjectPlan | null {
  try {
    return compileProject(definitionsOf(world));
  } catch (error) {
    if (error instanceof AsofError && error.code === 'invalid_definition') return null;
    throw error;
  }
}

function check(edit: Edit, { before, after, diff, differing }: Case, seed: number): void {
  const told = `${edit.name}, seed ${seed}: ${JSON.stringify(diff.changes)}`;
  const rules = diff.changes.flatMap((change) => change.rules.map(({ rule }) => rule));
  assert.ok(
    edit.rules.some((rule) => rules.includes(rule)),
    `no rule of ${told}`,
  );
  if (differing.size > 0) {
    const telling = edit.rules.filter((rule) => rules.includes(rule));
    const classes = telling.map((rule) => COMPATIBILITY[rule].class);
    assert.ok(classes.includes('breaking'), `${classes.join()}, and values differ after ${told}`);
  }
  const isSafe = diff.changes.every((one) => ['metadata', 'compatible'].includes(one.class));
  if (isSafe) {
    assert.deepEqual([...differing], [], `values differ after ${told}`);
    const hashes = (plan: ProjectPlan) => plan.views.map((view) => [titleOf(view), view.hash]);
    assert.deepEqual(hashes(after), hashes(before), told);
    assert.deepEqual(diff.groupsAdded, [], told);
  }
  // A view that does not read what changed keeps its hash; the source itself is refused then.
  const conflicts = sourceConflicts(before, after).map(({ path }) => path);
  for (const view of differing) {
    const change = diff.changes.find(
      (one) => one.kind === 'view' && `${one.name}@${one.version}` === view,
    );
    const isRefused = change?.class === 'breaking' && change.change === 'refused';
    const source = before.views.find((one) => titleOf(one) === view)?.source;
    const isSourceRefused = conflicts.includes(`sources.${source}`);
    assert.ok(isRefused || isSourceRefused, `${view} differs after ${told}`);
    if (isRefused) assert.match(change.remedy ?? '', /^version: \d+$/, told);
  }
  for (const change of diff.changes) {
    const worst = change.rules.map((one) => one.class);
    if (change.class === 'breaking') assert.ok(worst.includes('breaking'), told);
  }
}

test('random edits: what is safe changes no value, and what changes one is refused', () => {
  const start = Date.now() % 1_000_000;
  let cases = 0;
  for (let nr = 0; nr < 120; nr++) {
    const random = seededRandom(start + nr);
    const edit = random.pick(EDITS);
    const found = tried(random, edit);
    if (found === null) continue;
    cases += 1;
    check(edit, found, start + nr);
  }
  assert.ok(cases > 30, `only ${cases} edits could be made`);
});

/** Rules under which values can differ, and that no edit of a stream or view shows. */
const SHOWN_ELSEWHERE: Readonly<Partial<Record<RuleName, string>>> = {
  known_time_changed: 'of tables: their rows come from files, and test/tables compares them',
  table_rows_changed: 'of tables: their rows come from files, and test/tables compares them',
  table_reading_changed: 'of tables: how a file or a database is read is no part of an event',
  evolution_rewritten: 'of producers: what was sent by a version that is gone fits no other',
  view_source_changed: 'another source is another set of events altogether',
  source_changed: 'told of views where the source that they read is what changed',
  output_changed: 'an output is another feature, whose values are its own',
  on_demand_changed: 'the same expressions as those of derived features',
  function_changed: 'programs, of which nobody can tell whether they compute the same',
  reads_changed:
    'told of services, datasets and models where a view that they read is what changed',
  meaning_changed: 'for what no other rule tells of',
  feature_type_changed: 'the value has another type, whatever it is',
  tokenization_changed: 'tokens are made by the door with a key, which the oracle has not',
};

test('every rule by which a value can differ has an edit after which one does', () => {
  const shown = new Set<RuleName>();
  const applied = new Set<string>();
  for (const [edits, expected] of CLASSES) {
    for (const { name, rules } of edits) {
      for (const rule of rules) assert.equal(COMPATIBILITY[rule].class, expected, name);
    }
  }
  for (const edit of EDITS) {
    const wanted = edit.rules.filter(differs);
    for (let seed = 1; seed <= 400; seed++) {
      const found = tried(seededRandom(seed), edit);
      if (found === null) continue;
      applied.add(edit.name);
      check(edit, found, seed);
      if (!wanted.some((rule) => !shown.has(rule) && !(rule in SHOWN_ELSEWHERE))) break;
      if (found.differing.size === 0) continue;
      for (const { rules } of found.diff.changes) for (const { rule } of rules) shown.add(rule);
      break;
    }
  }
  assert.deepEqual(
    EDITS.map(({ name }) => name).filter((name) => !applied.has(name)),
    [],
  );
  const rules = Object.keys(COMPATIBILITY) as RuleName[];
  const unseen = rules.filter(
    (rule) => differs(rule) && !shown.has(rule) && !(rule in SHOWN_ELSEWHERE),
  );
  assert.deepEqual(unseen, []);
});

function differs(rule: RuleName): boolean {
  const row: CompatibilityRule = COMPATIBILITY[rule];
  return row.differs;
}
