import { assert, present } from '../../src/base/assert.ts';
import type { Random } from '../../src/base/random.ts';
import { avg, count, last, max, min, sum } from '../../src/define/aggregate.ts';
import { bool, decimal, float64, int64, string, timestamp } from '../../src/define/column.ts';
import { countDistinct } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { SERVICE } from '../conformance/generate-definitions.ts';

export const SOURCE = 'payments';

/** What a column says, whatever it is called. */
export type Meaning =
  | 'at'
  | 'user'
  | 'n'
  | 'op'
  | 'amount'
  | 'label'
  | 'currency'
  | 'bonus'
  | 'flag';

/** Decimal places by the type that the amount has in turn; null is a float64. */
export type AmountPlaces = 0 | 1 | 3 | null;

/** One schema version of the source. */
export interface Stage {
  readonly version: number;
  readonly names: ReadonlyMap<Meaning, string>;
  readonly amount: AmountPlaces;
  /** Of the view that reads all columns. */
  readonly viewVersion: number;
}

export type Shape = 'plain' | 'row' | 'envelope';

export interface Lineage {
  readonly stages: readonly Stage[];
  readonly shape: Shape;
  readonly partitions: number;
}

const FIRST: readonly Meaning[] = ['at', 'user', 'n', 'amount', 'label'];
const LATER: readonly Meaning[] = ['currency', 'bonus', 'flag'];
export const DEFAULTS = { currency: 'USD', bonus: 7 } as const;

/** A source that is renamed, widened and added to, version after version. */
export function randomLineage(random: Random): Lineage {
  const shape = random.pick<Shape>(['plain', 'plain', 'row', 'envelope']);
  const first = shape === 'plain' ? FIRST : [...FIRST, 'op' as const];
  const stages: Stage[] = [
    {
      version: 1,
      names: new Map(first.map((meaning) => [meaning, meaning])),
      amount: 0,
      viewVersion: 1,
    },
  ];
  const more = 1 + random.below(4);
  for (let i = 0; i < more; i += 1) stages.push(next(random, present(stages.at(-1), 'a stage')));
  return { stages, shape, partitions: 1 + random.below(3) };
}

const WIDER: readonly AmountPlaces[] = [0, 1, 3, null];

function next(random: Random, before: Stage): Stage {
  const version = before.version + 1;
  const names = new Map(before.names);
  let { amount, viewVersion } = before;
  const does = (): boolean => random.below(2) === 0;
  const widens = does() && amount !== null;
  if (widens) amount = random.pick(WIDER.slice(WIDER.indexOf(amount) + 1));
  const added = LATER.filter((meaning) => !names.has(meaning)).slice(0, random.below(2));
  for (const meaning of added) names.set(meaning, meaning);
  const renamed = [...before.names.keys()].filter(() => random.below(3) === 0);
  if (!widens && added.length === 0 && renamed.length === 0) renamed.push('amount');
  for (const meaning of renamed) names.set(meaning, `${meaning}_v${version}`);
  if (widens || added.length > 0) viewVersion += 1;
  return { version, names, amount, viewVersion };
}

const user = entity('user', { keys: { user_key: string() } });

/** The source as it is declared at a stage; without its past, as if it had always been so. */
export function sourceAt({ stages, shape, partitions }: Lineage, stage: Stage, isNaive: boolean) {
  const called = (meaning: Meaning): string => present(stage.names.get(meaning), meaning);
  const columns = Object.fromEntries(
    [...stage.names].map(([meaning, name]) => [name, columnOf(meaning, stage)]),
  );
  const past = stages.slice(0, stages.indexOf(stage) + 1);
  const evolution = past
    .slice(1)
    .map((one, i) => stepOf(present(past[i], 'the one before'), one, stage));
  const changes =
    shape === 'plain' ? {} : { changes: { column: called('op'), shape, keep: 50 } as never };
  return stream(SOURCE, {
    columns: columns as never,
    eventTime: called('at') as never,
    id: called('n') as never,
    partitions,
    ...(isNaive ? {} : { evolution: evolution as never }),
    ...changes,
  });
}

function columnOf(meaning: Meaning, { amount }: Stage) {
  switch (meaning) {
    case 'at':
      return timestamp();
    case 'user':
    case 'op':
      return string();
    case 'n':
      return int64();
    case 'amount':
      if (amount === null) return float64({ scale: 4 });
      return amount === 0 ? int64() : decimal(amount);
    case 'label':
      return string().optional();
    case 'currency':
      return string().default(DEFAULTS.currency);
    case 'bonus':
      return int64().default(DEFAULTS.bonus);
    case 'flag':
      return bool().optional();
  }
}

function stepOf(before: Stage, since: Stage, now: Stage): object {
  const called = (meaning: Meaning): string => present(now.names.get(meaning), meaning);
  const meanings = [...since.names.keys()];
  return {
    version: since.version,
    add: meanings.filter((meaning) => !before.names.has(meaning)).map(called),
    rename: Object.fromEntries(
      meanings.flatMap((meaning) => {
        const [was, is] = [before.names.get(meaning), since.names.get(meaning)];
        return was === undefined || was === is ? [] : [[was, is]];
      }),
    ),
    widen: before.amount === since.amount ? {} : { [called('amount')]: columnOf('amount', before) },
  };
}

/** Two views: one reads nothing that changes, one reads all there is. */
export function planAt(lineage: Lineage, stage: Stage, isNaive: boolean): ProjectPlan {
  const source = sourceAt(lineage, stage, isNaive);
  const called = (meaning: Meaning): string => present(stage.names.get(meaning), meaning);
  const shared = { source, entity: user, key: { user_key: called('user') } as never };
  const of = (row: unknown, meaning: Meaning): never =>
    present((row as Record<string, unknown>)[called(meaning)], meaning) as never;
  const steady = view('steady', {
    ...shared,
    version: 1,
    features: (row) => ({
      events: count().over(sliding('1h')),
      newest_label: last(of(row, 'label')).over(lifetime()),
      earliest: min(of(row, 'at')).over(sliding('30m', { exact: true })),
    }),
  });
  const money = view('money', {
    ...shared,
    version: stage.viewVersion,
    features: (row) => moneyFeatures(stage, (meaning) => of(row, meaning)),
  });
  const plan = compileProject([
    service(SERVICE, {
      version: stage.viewVersion,
      features: [steady.all(), money.all()] as never,
    }),
  ]);
  assert(plan.sources.length === 1, 'one source');
  return plan;
}

function moneyFeatures({ names }: Stage, of: (meaning: Meaning) => never): Record<string, never> {
  const features: Record<string, unknown> = {
    spent: sum(of('amount')).over(sliding('1h')),
    spent_ever: sum(of('amount')).over(lifetime()),
    mean: avg(of('amount')).over(sliding('2h')),
    most: max(of('amount')).over(sliding('2h', { exact: true })),
    latest: last(of('amount')).over(lifetime()),
  };
  if (names.has('bonus')) features.bonus = sum(of('bonus')).over(lifetime());
  if (names.has('currency')) {
    features.currency = last(of('currency')).over(lifetime());
    features.currencies = countDistinct(of('currency')).over(lifetime());
  }
  if (names.has('flag')) features.flagged = count(of('flag')).over(lifetime());
  return features as Record<string, never>;
}
