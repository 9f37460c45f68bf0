import { formatBytes } from '../base/byte-size.ts';
import { formatDuration } from '../base/duration.ts';
import { byName } from './canonical.ts';
import type { Finding, RuleName } from './compatibility.ts';
import { addExpectations, addMeta, type Fields, findings } from './diff-fields.ts';
import { tableMetadata } from './diff-source-text.ts';
import type { FunctionPlan } from './function-form.ts';
import { functionBounds } from './function-text.ts';
import type { NeighborPlan } from './neighbor-form.ts';
import { type OnlinePlan, onlineText } from './online-form.ts';
import type {
  ExpectationPlan,
  LabelPlan,
  Meta,
  ServingPlan,
  StatePlan,
  TableOriginPlan,
} from './plan.ts';
import { servingFields } from './serving-plan.ts';

/** What every definition has; the rest depends on its kind. */
export interface Definition {
  readonly name: string;
  readonly version?: number;
  readonly hash: string;
  readonly meta: Meta;
  readonly freshnessMs?: number | null;
  readonly state?: StatePlan;
  readonly features?: readonly { readonly name: string; readonly meta?: Meta }[];
  readonly onDemand?: readonly { readonly name: string; readonly meta: Meta }[];
  readonly labels?: readonly LabelPlan[];
  readonly expectations?: Readonly<Record<string, ExpectationPlan>>;
  readonly origin?: TableOriginPlan | null;
  readonly url?: string | null;
  readonly serving?: ServingPlan;
  readonly neighbors?: readonly NeighborPlan[];
  readonly online?: OnlinePlan;
  readonly functions?: readonly FunctionPlan[];
}

/** What differs in how a definition is described or shown; none of it is part of its hash. */
export function metadataFindings(before: Definition, after: Definition): Finding[] {
  const found = findings(metadataFields(before), metadataFields(after), ruleOf);
  const order = ({ features = [], onDemand = [], functions = [] }: Definition): string =>
    [...features, ...onDemand, ...functions].map((one) => one.name).join();
  const sameNames = order(sorted(before)) === order(sorted(after));
  if (sameNames && order(before) !== order(after)) {
    found.push({ rule: 'order_changed', sentence: 'outputs are in another order' });
  }
  return found;
}

const RULES: Readonly<Record<string, RuleName>> = {
  freshness: 'freshness_changed',
  'expected keys': 'state_changed',
  budget: 'state_changed',
  address: 'address_changed',
  'keys in the online store': 'online_changed',
  'serving timeout': 'serving_changed',
  'required features': 'serving_changed',
  'on store failure': 'serving_changed',
};

const META_RULES = [
  ['owner', 'owner_changed'],
  ['description', 'description_changed'],
  ['tags', 'tags_changed'],
  ['risk', 'risk_changed'],
] as const;

/** Of features and labels too, whose labels end in what it is. */
function ruleOf(label: string): RuleName {
  if (label.startsWith('expected of ')) return 'expectation_changed';
  if (label.startsWith('neighbors of ')) return 'neighbors_changed';
  if (/^(bounds|network timeout|cache) of the function /.test(label)) {
    return 'function_bounds_changed';
  }
  const meta = META_RULES.find(([word]) => label === word || label.endsWith(` ${word}`));
  return meta?.[1] ?? RULES[label] ?? 'table_place_changed';
}

function sorted(definition: Definition): Definition {
  const { features = [], onDemand = [], functions = [] } = definition;
  return {
    ...definition,
    features: [...features].sort(byName),
    onDemand: [...onDemand].sort(byName),
    functions: [...functions].sort(byName),
  };
}

function metadataFields(definition: Definition): Fields {
  const fields = new Map<string, string>();
  addMeta(fields, '', definition.meta);
  const { freshnessMs } = definition;
  if (freshnessMs) fields.set('freshness', formatDuration(freshnessMs));
  const { keys = null, budgetBytes = null, atLimit } = definition.state ?? {};
  if (keys !== null) fields.set('expected keys', String(keys));
  if (budgetBytes !== null) fields.set('budget', `${formatBytes(budgetBytes)}, then ${atLimit}`);
  for (const { name, meta } of [...(definition.features ?? []), ...(definition.onDemand ?? [])]) {
    if (meta !== undefined) addMeta(fields, `feature ${name} `, meta);
  }
  for (const one of definition.functions ?? []) {
    addMeta(fields, `function ${one.name} `, one.meta);
    for (const [label, text] of functionBounds(one)) fields.set(label, text);
  }
  for (const { name, view } of definition.labels ?? []) {
    for (const { meta } of view.features) addMeta(fields, `label ${name} `, meta);
  }
  addExpectations(fields, definition.expectations ?? {});
  for (const { feature, metric } of definition.neighbors ?? []) {
    fields.set(`neighbors of ${feature}`, metric);
  }
  const { online } = definition;
  if (online !== undefined) fields.set('keys in the online store', onlineText(online));
  if (definition.url) fields.set('address', definition.url);
  for (const [label, text] of servingFields(definition.serving)) fields.set(label, text);
  if (definition.origin) {
    for (const [label, text] of tableMetadata(definition.origin)) fields.set(label, text);
  }
  return fields;
}
