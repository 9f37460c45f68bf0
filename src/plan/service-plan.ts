import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { PickNode, ServiceNode, ViewNode } from '../define/node.ts';
import { namespaceOf, sameType, typeText } from '../schema/types.ts';
import { byName } from './canonical.ts';
import { type KnownInput, resolveFunctions } from './function-plan.ts';
import { serviceHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import { resolveOnDemand, resolveRequest } from './on-demand-plan.ts';
import { checkTokens, tokenFeatures } from './personal-columns.ts';
import type { EntityPlan, ServiceFeaturePlan, ServicePlan } from './plan.ts';
import { resolveServing } from './serving-plan.ts';
import { metaOf } from './source-plan.ts';
import type { ViewDraft } from './view-plan.ts';

/** What a service is resolved against: null for a view that has issues of its own. */
export interface ResolvedViews {
  readonly viewOf: (node: ViewNode) => ViewDraft | null;
  readonly entityOf: (view: ViewDraft) => EntityPlan | null;
}

/** Checks and resolves a service; null, and issues, where it cannot be. */
export function resolveService(
  node: ServiceNode,
  resolved: ResolvedViews,
  issues: IssueList,
): ServicePlan | null {
  const path = `services.${node.name}`;
  const before = issues.count;
  issues.checkDefinitionName(path, 'a service', node.name);
  issues.checkVersion(`${path}.version`, node.version);
  const features: ServiceFeaturePlan[] = [];
  const hashes = new Map<string, string>();
  const nullable = new Set<string>();
  const entities = new Set<EntityPlan>();
  const tokens = new Map<string, string | null>();
  const tokenOutputs = new Map<string, string>();
  for (const pick of node.picks) {
    if (pick.kind === 'problem') {
      issues.addProblem(`${path}.features`, pick);
      continue;
    }
    checkPick(pick, path, issues);
    const view = resolved.viewOf(pick.view);
    const entity = view === null ? null : resolved.entityOf(view);
    if (view === null || entity === null) continue;
    hashes.set(`${view.name}@${view.version}`, view.hash);
    checkTokens(view, entity, tokens, path, issues);
    entities.add(entity);
    const picked = pickedFeatures(pick, view);
    features.push(...picked);
    for (const name of nullableOf(picked, view)) nullable.add(name);
    const shown = tokenFeatures(view.tokenized, view.features);
    for (const { name, feature } of picked) {
      if (shown.has(feature)) tokenOutputs.set(name, namespaceOf(view.source));
    }
  }
  const joinKeys = joinKeysOf(entities, tokens, path, issues);
  checkOutputs(node, features, joinKeys, issues);
  const request = resolveRequest(node, issues);
  const onDemand = resolveOnDemand(node, features, request, tokenOutputs, issues);
  checkNames(node, [...joinKeys, ...features], issues);
  const inputs: KnownInput[] = [
    ...request.map(({ name, type, optional }) => ({ name, type, nullable: optional })),
    ...features.map(({ name, type }) => ({ name, type, nullable: nullable.has(name) })),
    ...onDemand.map((one) => ({ ...one, nullable: one.default === null })),
  ];
  const functions = resolveFunctions(node, inputs, tokenOutputs, issues);
  const serving = resolveServing(node, namesOf(node), issues);
  if (issues.count > before) return null;
  const service = {
    ...{ name: node.name, version: node.version, features, request, onDemand },
    ...(functions.length === 0 ? {} : { functions }),
  };
  return {
    ...service,
    joinKeys,
    ...(serving === undefined ? {} : { serving }),
    hash: serviceHash(service, (view, version) => hashes.get(`${view}@${version}`) ?? ''),
    meta: metaOf(node),
  };
}

function checkPick(pick: PickNode, path: string, issues: IssueList): void {
  const known = pick.view.features.map((feature) => feature.name);
  for (const { name, feature } of pick.features ?? []) {
    const featurePath = `${path}.features.${name}`;
    issues.checkName(featurePath, 'an output', name);
    if (known.includes(feature)) continue;
    const message = `The view '${pick.view.name}' has no feature '${feature}'.`;
    issues.add(
      'unknown_feature',
      featurePath,
      message + didYouMean(feature, known),
      'Use a feature of the view.',
    );
  }
}

function pickedFeatures(pick: PickNode, view: ViewDraft): ServiceFeaturePlan[] {
  const wanted = pick.features ?? view.features.map(({ name }) => ({ name, feature: name }));
  return wanted.flatMap(({ name, feature }) => {
    const found = view.features.find((candidate) => candidate.name === feature);
    if (found === undefined) return [];
    return [{ name, view: view.name, version: view.version, feature, type: found.type }];
  });
}

/** Of all outputs, whether they can be resolved or not. */
function namesOf({ picks, onDemand, functions }: ServiceNode): string[] {
  const picked = picks.flatMap((pick) =>
    pick.kind === 'problem' ? [] : (pick.features ?? pick.view.features).map(({ name }) => name),
  );
  const computed = functions.flatMap(({ outputs }) => outputs);
  return [...picked, ...[...onDemand, ...computed].map(({ name }) => name)];
}

/** Those that have no default: an empty window, or no row, is null. */
function nullableOf(picked: readonly ServiceFeaturePlan[], view: ViewDraft): string[] {
  const never = new Set(view.features.flatMap((one) => (one.default === null ? [] : [one.name])));
  return picked.filter(({ feature }) => !never.has(feature)).map(({ name }) => name);
}

function joinKeysOf(
  entities: Iterable<EntityPlan>,
  tokens: ReadonlyMap<string, string | null>,
  path: string,
  issues: IssueList,
): ServicePlan['joinKeys'] {
  const joinKeys = new Map<string, ServicePlan['joinKeys'][number]>();
  for (const entity of entities) {
    for (const joinKey of entity.joinKeys) {
      const other = joinKeys.get(joinKey.name);
      if (other !== undefined && !sameType(other.type, joinKey.type)) {
        const types = `${typeText(other.type)} and ${typeText(joinKey.type)}`;
        const message = `The join key '${joinKey.name}' is ${types} in the entities of its views.`;
        issues.add('type_mismatch', path, message, 'Give the join keys of two entities two names.');
      }
      const domain = tokens.get(joinKey.name) ?? null;
      joinKeys.set(joinKey.name, domain === null ? joinKey : { ...joinKey, tokens: domain });
    }
  }
  return [...joinKeys.values()].sort(byName);
}

function checkOutputs(
  node: ServiceNode,
  features: readonly ServiceFeaturePlan[],
  joinKeys: ServicePlan['joinKeys'],
  issues: IssueList,
): void {
  const path = `services.${node.name}.features`;
  if (node.picks.length === 0) {
    const remedy = "Write features: [someView.pick('feature')].";
    issues.add('invalid_definition', path, `The service '${node.name}' has no features.`, remedy);
  }
  const computed = node.functions.flatMap(({ outputs }) => outputs);
  const count = features.length + node.onDemand.length + computed.length;
  if (count > LIMITS.featuresPerService) {
    const message = `The service has ${count} features.`;
    const remedy = `Use at most ${LIMITS.featuresPerService}.`;
    issues.add('invalid_definition', path, message, remedy);
  }
  const seen = new Map<string, ServiceFeaturePlan>();
  for (const feature of features) {
    const { name } = feature;
    const other = seen.get(name);
    if (other !== undefined) {
      const from = `${other.view}.${other.feature} and ${feature.view}.${feature.feature}`;
      const message = `Two features are named '${name}': ${from}.`;
      const remedy = `Pick one under an alias: pick({ other_name: '${feature.feature}' }).`;
      issues.add('invalid_definition', `${path}.${name}`, message, remedy);
    }
    seen.set(name, feature);
    if (joinKeys.some((joinKey) => joinKey.name === name)) {
      const message = `The output '${name}' has the name of a join key of the service.`;
      const remedy = 'Pick it under an alias.';
      issues.add('column_collision', `${path}.${name}`, message, remedy);
    }
  }
}

/** Join keys, outputs, request fields and on-demand features share one set of names. */
function checkNames(
  node: ServiceNode,
  read: readonly { readonly name: string }[],
  issues: IssueList,
): void {
  const taken = new Set(read.map(({ name }) => name));
  const check = (part: string, noun: string, name: string): void => {
    if (taken.has(name)) {
      const message = `The ${noun} '${name}' has the name of something else in the service.`;
      const path = `services.${node.name}.${part}.${name}`;
      issues.add('column_collision', path, message, 'Rename one of the two.');
    }
    taken.add(name);
  };
  for (const { name } of node.request) check('request', 'request field', name);
  for (const { name } of node.onDemand) check('onDemand', 'on-demand feature', name);
  for (const { name, outputs } of node.functions) {
    for (const output of outputs) check(`functions.${name}.outputs`, 'output', output.name);
  }
}
