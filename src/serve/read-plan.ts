import { compileFinish, compileHold, type Finish } from '../aggregate/finish.ts';
import { assert, present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import { compileScalar } from '../expr/compile-scalar.ts';
import type { Faults } from '../expr/faults.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { referencedColumns } from '../expr/references.ts';
import { computedOutputs } from '../plan/function-outputs.ts';
import type {
  AggregateFeaturePlan,
  DerivedFeaturePlan,
  EntityPlan,
  FeaturePlan,
  ProjectPlan,
  ServicePlan,
  ViewPlan,
} from '../plan/plan.ts';
import { viewsRead } from '../plan/plan-index.ts';
import type { Scalar } from '../schema/types.ts';
import type { GroupStore, OnlineStore } from '../store/online-store.ts';
import {
  askedSlots,
  compileOnDemand,
  type DerivedRead,
  type OutputRead,
  slotOf,
} from './computed-read.ts';
import { DEFAULT, MISSING } from './status-codes.ts';

export type { DerivedRead, OutputRead } from './computed-read.ts';

/**
 * A service compiled for reading: one key and one table query for each (entity, group), however
 * many features they feed. Every feature has a slot; the slots of one entity are neighbours.
 */
export interface ReadPlan {
  readonly service: ServicePlan;
  /** Of a service whose requests give raw ids where the state has tokens; null of all others. */
  readonly tokenizer: Tokenizer | null;
  readonly entities: readonly EntityRead[];
  /** Slots of features; then those of request fields, and of on-demand features. */
  readonly slotCount: number;
  /** By slot of a feature: its view, among `views`. */
  readonly slotViews: readonly number[];
  /** Of the first request field; the others follow. */
  readonly requestSlot: number;
  /** In the order in which they may read each other. */
  readonly onDemand: readonly DerivedRead[];
  /** Where inputs and outputs of functions stand, by name; null of services without functions. */
  readonly functionSlots: ReadonlyMap<string, number> | null;
  /** Slots of what other machines were asked for, which nobody can compute again; null as a rule. */
  readonly askedSlots: ReadonlySet<number> | null;
  /** The service's features, in its order, then those on demand, then outputs of functions. */
  readonly outputs: readonly OutputRead[];
  readonly views: readonly ViewRead[];
}

export interface EntityRead {
  /** Positions of the entity's join keys among the service's. */
  readonly keyIndexes: readonly number[];
  /** In which namespace the token of each is made; null where all of them are used as they are. */
  readonly keyTokens: readonly (string | null)[] | null;
  readonly fromSlot: number;
  readonly toSlot: number;
  readonly groups: readonly GroupRead[];
  /** In dependency order. */
  readonly derived: readonly DerivedRead[];
}

export interface GroupRead {
  readonly id: string;
  readonly store: GroupStore;
  /** The group's windows that this service needs. */
  readonly windows: readonly number[];
  readonly features: readonly FinishRead[];
  /** Of attributes that expire, when they do. */
  readonly expiring: readonly HoldRead[];
}

/** Until when the answer to the last query holds, as far as the time to live of a row goes. */
export interface HoldRead {
  readonly hold: () => number;
  readonly holdMerged: () => number;
}

export interface FinishRead {
  readonly slot: number;
  readonly finish: Finish;
  /** Of a key whose events are spread over several rows. */
  readonly finishMerged: Finish;
  /** The code of the status where there is no input. */
  readonly absent: number;
  readonly default: Scalar;
}

export interface ViewRead {
  /** The view's name, or `name@version` where the service reads several versions of it. */
  readonly label: string;
  readonly version: number;
  readonly source: string;
  readonly objectiveMs: number | null;
}

/** @throws AsofError `token_key_missing`; `unknown_name` when the store holds no state for a needed group */
export function compileReadPlan(
  plan: ProjectPlan,
  service: ServicePlan,
  store: OnlineStore,
  faults: Faults,
  tokenizer: Tokenizer | null = null,
): ReadPlan {
  const needsTokens = service.joinKeys.some(({ tokens }) => tokens !== undefined);
  if (needsTokens && tokenizer === null) {
    const message = `Keys of '${service.name}' are tokenized, and there is no key to do that with.`;
    throw new AsofError('token_key_missing', message, { path: service.name });
  }
  const views = viewsOf(plan, service);
  const slots = new Map<string, number>();
  const slotViews: number[] = [];
  const entities: EntityRead[] = [];
  for (const name of new Set(views.map((view) => view.entity))) {
    const entity = present(
      plan.entities.find((candidate) => candidate.name === name),
      `the plan has the entity '${name}'`,
    );
    const own = views.filter((view) => view.entity === name);
    entities.push(compileEntity({ service, store, faults, slots }, entity, own));
    for (const view of own) {
      const at = views.indexOf(view);
      for (const _ of neededFeatures(service, view)) slotViews.push(at);
    }
  }
  const features = service.features.map((output) => ({
    name: output.name,
    slot: slotOf(slots, slotName(output.view, output.version, output.feature)),
    type: output.type,
  }));
  const requestSlot = slots.size;
  const onDemand = compileOnDemand(service, features, requestSlot, faults);
  const computedSlot = requestSlot + service.request.length;
  const outputs = [
    ...features,
    ...computedOutputs(service).map(({ name, type }, at) => ({
      ...{ name, type },
      slot: computedSlot + at,
    })),
  ];
  return {
    service,
    tokenizer: needsTokens ? tokenizer : null,
    entities,
    slotCount: computedSlot + outputs.length - features.length,
    slotViews,
    requestSlot,
    onDemand,
    functionSlots:
      service.functions === undefined
        ? null
        : new Map([
            ...outputs.map(({ name, slot }) => [name, slot] as const),
            ...service.request.map(({ name }, at) => [name, requestSlot + at] as const),
          ]),
    askedSlots: askedSlots(service, outputs),
    outputs,
    views: viewReads(views),
  };
}

interface Compilation {
  readonly service: ServicePlan;
  readonly store: OnlineStore;
  readonly faults: Faults;
  /** `view@version.feature` → slot. */
  readonly slots: Map<string, number>;
}

function compileEntity(
  compilation: Compilation,
  entity: EntityPlan,
  views: readonly ViewPlan[],
): EntityRead {
  const { service, slots, faults } = compilation;
  const fromSlot = slots.size;
  const aggregates: { readonly slot: number; readonly feature: AggregateFeaturePlan }[] = [];
  const derived: DerivedRead[] = [];
  for (const view of views) {
    for (const feature of neededFeatures(service, view)) {
      const slot = slots.size;
      slots.set(slotName(view.name, view.version, feature.name), slot);
      if (feature.kind === 'aggregate') aggregates.push({ slot, feature });
      else derived.push(compileDerived(feature, slot, view, slots, faults));
    }
  }
  const keyIndexes = entity.joinKeys.map((key) => joinKeyIndex(service, key.name));
  const tokens = keyIndexes.map((index) => service.joinKeys[index]?.tokens ?? null);
  return {
    keyIndexes,
    keyTokens: tokens.every((domain) => domain === null) ? null : tokens,
    fromSlot,
    toSlot: slots.size,
    groups: compileGroups(aggregates, compilation.store),
    derived,
  };
}

function compileGroups(
  aggregates: readonly { readonly slot: number; readonly feature: AggregateFeaturePlan }[],
  store: OnlineStore,
): GroupRead[] {
  const byGroup = Map.groupBy(aggregates, ({ feature }) => feature.group);
  return [...byGroup].map(([id, members]) => {
    const group = store.group(id);
    return {
      id,
      store: group,
      windows: [...new Set(members.map(({ feature }) => feature.window))].sort((a, b) => a - b),
      features: members.map(({ slot, feature }) => ({
        slot,
        finish: compileFinish(feature, group.table),
        finishMerged: compileFinish(feature, group.origins?.merged ?? group.table),
        absent: feature.fn === 'latest' ? MISSING : DEFAULT,
        default: scalarOfLiteral(feature.type, feature.default),
      })),
      expiring: members.flatMap(({ feature }) => {
        const hold = compileHold(feature, group.table);
        const holdMerged = compileHold(feature, group.origins?.merged ?? group.table);
        return hold === null || holdMerged === null ? [] : [{ hold, holdMerged }];
      }),
    };
  });
}

function compileDerived(
  feature: DerivedFeaturePlan,
  slot: number,
  view: ViewPlan,
  slots: ReadonlyMap<string, number>,
  faults: Faults,
): DerivedRead {
  const names = referencedColumns(feature.expr);
  return {
    slot,
    inputs: names.map((name) => slotOf(slots, slotName(view.name, view.version, name))),
    evaluate: compileScalar(feature.expr, names, faults),
    default: scalarOfLiteral(feature.type, feature.default),
  };
}

/** The features of a view that the service reads, with those they derive from, in view order. */
function neededFeatures(service: ServicePlan, view: ViewPlan): FeaturePlan[] {
  const needed = new Set<string>();
  for (const output of service.features) {
    if (output.view === view.name && output.version === view.version) needed.add(output.feature);
  }
  for (const feature of view.features.toReversed()) {
    if (feature.kind !== 'derived' || !needed.has(feature.name)) continue;
    for (const name of referencedColumns(feature.expr)) needed.add(name);
  }
  return view.features.filter((feature) => needed.has(feature.name));
}

function viewsOf(plan: ProjectPlan, service: ServicePlan): ViewPlan[] {
  const views = viewsRead(plan.views, service.features);
  assert(views.length > 0 || service.features.length === 0, 'the plan has the views of a service');
  return views;
}

function viewReads(views: readonly ViewPlan[]): ViewRead[] {
  return views.map((view) => {
    const isAlone = views.every((other) => other === view || other.name !== view.name);
    return {
      label: isAlone ? view.name : `${view.name}@${view.version}`,
      version: view.version,
      source: view.source,
      objectiveMs: view.freshnessMs,
    };
  });
}

function joinKeyIndex(service: ServicePlan, name: string): number {
  const index = service.joinKeys.findIndex((key) => key.name === name);
  assert(index >= 0, `the service has the join key '${name}'`);
  return index;
}

function slotName(view: string, version: number, feature: string): string {
  return `${view}@${version}.${feature}`;
}
