import { didYouMean } from '../base/suggest.ts';
import type {
  DashboardNode,
  DatasetNode,
  ModelNode,
  ServiceNode,
  ViewNode,
} from '../define/node.ts';
import { byName, compareText } from './canonical.ts';
import { resolveExpectations } from './expectation-plan.ts';
import { computedOutputs } from './function-outputs.ts';
import { dashboardHash, modelHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import type { DashboardPlan, DatasetPlan, ModelPlan, ModelReadPlan, ServicePlan } from './plan.ts';
import { metaOf } from './source-plan.ts';
import type { ViewDraft } from './view-plan.ts';

/** What a model is resolved against: null for what has issues of its own. */
export interface ModelParts {
  readonly serviceOf: (node: ServiceNode) => ServicePlan | null;
  readonly datasetOf: (node: DatasetNode) => DatasetPlan | null;
}

/** Checks and resolves a model; null, and issues, where it cannot be. */
export function resolveModel(
  node: ModelNode,
  { serviceOf, datasetOf }: ModelParts,
  issues: IssueList,
): ModelPlan | null {
  const path = `models.${node.name}`;
  const before = issues.count;
  issues.checkDefinitionName(path, 'a model', node.name);
  issues.checkVersion(`${path}.version`, node.version);
  const service = node.service === null ? null : serviceOf(node.service);
  if (node.service === null) {
    const remedy = 'Give it the service() that it was trained on.';
    issues.add('invalid_definition', `${path}.service`, 'It has no service.', remedy);
  }
  const onViolation = onViolationOf(node, path, issues);
  const dataset = datasetOfModel(node, datasetOf, path, issues);
  if (service === null) return null;
  const reads = resolveReads(node, service, path, issues);
  checkExpectations(node, path, issues);
  checkTrained(dataset, service, path, issues);
  const expectations = resolveExpectations(
    node.expectations,
    reads,
    'feature',
    `${path}.expect`,
    issues,
  );
  if (issues.count > before) return null;
  const model = {
    name: node.name,
    version: node.version,
    service: service.name,
    serviceVersion: service.version,
    ...(dataset === null ? {} : { trainedOn: { dataset: dataset.name, version: dataset.version } }),
    ...{ reads, expectations, onViolation },
  };
  return { ...model, hash: modelHash(model, service.hash), meta: metaOf(node) };
}

function datasetOfModel(
  { trainedOn }: ModelNode,
  datasetOf: ModelParts['datasetOf'],
  path: string,
  issues: IssueList,
): DatasetPlan | null {
  if (trainedOn === null) return null;
  if (trainedOn.kind === 'dataset') return datasetOf(trainedOn);
  issues.addProblem(`${path}.trainedOn`, trainedOn);
  return null;
}

/** What a model learnt from must be what it is served. */
function checkTrained(
  dataset: DatasetPlan | null,
  { name, version }: ServicePlan,
  path: string,
  issues: IssueList,
): void {
  if (dataset === null) return;
  if (dataset.service === name && dataset.serviceVersion === version) return;
  const learnt = `${dataset.service}@${dataset.serviceVersion}`;
  const message = `It was trained on ${learnt} ('${dataset.name}'), and reads ${name}@${version}.`;
  const remedy = `Give it the service ${learnt}, or a dataset of ${name}@${version}.`;
  issues.add('invalid_definition', `${path}.trainedOn`, message, remedy);
}

function resolveReads(
  node: ModelNode,
  service: ServicePlan,
  path: string,
  issues: IssueList,
): ModelReadPlan[] {
  const outputs = outputsOf(service);
  const wanted = node.reads ?? outputs.map(({ name }) => name);
  if (wanted.length === 0) {
    const remedy = 'Name what it reads, or leave out reads for all of it.';
    issues.add('invalid_definition', `${path}.reads`, 'It may read nothing.', remedy);
  }
  return [...new Set(wanted)].sort(compareText).flatMap((name): ModelReadPlan[] => {
    const found = outputs.find((output) => output.name === name);
    if (found !== undefined) return [found];
    const known = outputs.map((output) => output.name);
    const message = `The service '${service.name}@${service.version}' has no output '${name}'.`;
    const hint = didYouMean(name, known);
    issues.add('unknown_feature', `${path}.reads.${name}`, message + hint, 'Use one that it has.');
    return [];
  });
}

/** What a service answers with, and where each comes from. */
export function outputsOf(
  service: Pick<ServicePlan, 'features' | 'onDemand' | 'functions'>,
): ModelReadPlan[] {
  return [
    ...service.features.map(({ name, type, view, version, feature }) => ({
      ...{ name, type },
      feature: { view, version, name: feature },
    })),
    ...computedOutputs(service).map(({ name, type }) => ({ name, type, feature: null })),
  ];
}

/** A request shows single values and shares of nulls, and no distributions. */
function checkExpectations(node: ModelNode, path: string, issues: IssueList): void {
  for (const one of node.expectations) {
    for (const key of ['distinctMin', 'medianFactorMax'] as const) {
      if (one[key] === null) continue;
      const message = `${key} cannot be told from answers to requests.`;
      const remedy = 'Expect it of the view, where the gates compare with it.';
      issues.add('invalid_definition', `${path}.expect.${one.name}.${key}`, message, remedy);
    }
  }
}

function onViolationOf(node: ModelNode, path: string, issues: IssueList): ModelPlan['onViolation'] {
  const { onViolation } = node;
  if (onViolation === null || onViolation === 'flag') return 'flag';
  if (onViolation === 'refuse') return 'refuse';
  const message = `'${onViolation}' is nothing that can be done.`;
  issues.add('invalid_definition', `${path}.onViolation`, message, "Write 'refuse' or 'flag'.");
  return 'flag';
}

/** Checks and resolves a dashboard; null, and issues, where it cannot be. */
export function resolveDashboard(
  node: DashboardNode,
  viewOf: (node: ViewNode) => ViewDraft | null,
  issues: IssueList,
): DashboardPlan | null {
  const path = `dashboards.${node.name}`;
  const before = issues.count;
  issues.checkDefinitionName(path, 'a dashboard', node.name);
  if (node.url !== null && !URL.canParse(node.url)) {
    const message = `'${node.url}' is no address.`;
    issues.add('invalid_definition', `${path}.url`, message, 'Write it with https://.');
  }
  const reads = node.reads.flatMap((pick): DashboardPlan['reads'][number][] => {
    if (pick.kind === 'problem') {
      issues.addProblem(`${path}.reads`, pick);
      return [];
    }
    const view = viewOf(pick.view);
    if (view === null) return [];
    const known = view.features.map(({ name }) => name);
    const wanted = pick.features?.map(({ feature }) => feature) ?? known;
    return wanted.flatMap((feature) => {
      if (known.includes(feature)) return [{ view: view.name, version: view.version, feature }];
      const message = `The view '${view.name}' has no feature '${feature}'.`;
      const hint = didYouMean(feature, known);
      issues.add('unknown_feature', `${path}.reads`, message + hint, 'Use one that it has.');
      return [];
    });
  });
  if (node.reads.length === 0) {
    const remedy = "Write reads: [someView.pick('feature')].";
    issues.add('invalid_definition', `${path}.reads`, 'It shows nothing.', remedy);
  }
  if (issues.count > before) return null;
  const inOrder = distinctReads(reads);
  const dashboard = { name: node.name, reads: inOrder };
  return { ...dashboard, url: node.url, hash: dashboardHash(dashboard), meta: metaOf(node) };
}

function distinctReads(reads: DashboardPlan['reads']): DashboardPlan['reads'] {
  const byTitle = new Map(
    reads.map((read) => [`${read.view}@${read.version}.${read.feature}`, read]),
  );
  return [...byTitle]
    .map(([name, read]) => ({ name, read }))
    .sort(byName)
    .map(({ read }) => read);
}
