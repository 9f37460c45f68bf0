import type { DatasetNode, ServiceNode } from '../define/node.ts';
import { byName } from './canonical.ts';
import { computedOutputs } from './function-outputs.ts';
import { datasetHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import { type ResolvedLabel, type ResolvedParts, resolveLabel } from './label-plan.ts';
import { checkTokens } from './personal-columns.ts';
import type { DatasetPlan, ServicePlan } from './plan.ts';
import { metaOf } from './source-plan.ts';
import { checkOffered, type ResolvedSpine, resolveSpine } from './spine-plan.ts';

export interface DatasetParts extends ResolvedParts {
  readonly serviceOf: (node: ServiceNode) => ServicePlan | null;
}

/** Checks and resolves a dataset; null, and issues, where it cannot be. */
export function resolveDataset(
  node: DatasetNode,
  parts: DatasetParts,
  issues: IssueList,
): DatasetPlan | null {
  const path = `datasets.${node.name}`;
  const before = issues.count;
  issues.checkDefinitionName(path, 'a dataset', node.name);
  issues.checkVersion(`${path}.version`, node.version);
  const service = node.service === null ? null : parts.serviceOf(node.service);
  if (node.service === null) {
    const remedy = 'Give it a service().';
    issues.add('invalid_definition', `${path}.service`, 'It has no service.', remedy);
  }
  if (node.spine.kind === 'problem') issues.addProblem(`${path}.spine`, node.spine);
  const spine =
    node.spine.kind === 'problem'
      ? null
      : resolveSpine(node.spine, parts.sourceOf, `${path}.spine`, issues);
  const labels = node.labels.flatMap(({ name, label }): ResolvedLabel[] => {
    const labelPath = `${path}.labels.${name}`;
    if (label.kind === 'problem') {
      issues.addProblem(labelPath, label);
      return [];
    }
    const resolved = resolveLabel(name, node.version, label, parts, labelPath, issues);
    return resolved === null ? [] : [resolved];
  });
  const known = knownOf(node, path, issues);
  const servingDelayMs = servingDelayOf(node, path, issues);
  if (service === null || spine === null) return null;
  checkColumns(service, spine, labels, path, issues);
  const tokens = new Map(service.joinKeys.map((one) => [one.name, one.tokens ?? null]));
  for (const { plan, entity, keyTokens } of labels) {
    checkTokens({ name: plan.name, keyTokens }, entity, tokens, `${path}.labels`, issues);
  }
  if (issues.count > before) return null;
  const dataset = {
    name: node.name,
    version: node.version,
    service: service.name,
    serviceVersion: service.version,
    spine: spine.plan,
    labels: labels.map(({ plan }) => plan).sort(byName),
    ...{ known, servingDelayMs, statuses: node.statuses },
  };
  const hash = datasetHash(dataset, { service: service.hash, spine: spine.meanings });
  return { ...dataset, hash, meta: metaOf(node) };
}

function knownOf(node: DatasetNode, path: string, issues: IssueList): DatasetPlan['known'] {
  if (node.known === null || node.known === 'serving') return 'serving';
  if (node.known === 'final') return 'final';
  const message = `'${node.known}' is nothing that can be known.`;
  issues.add('invalid_definition', `${path}.known`, message, "Write 'serving' or 'final'.");
  return 'serving';
}

function servingDelayOf(node: DatasetNode, path: string, issues: IssueList): number {
  if (node.servingDelay === null) return 0;
  if (node.known === 'final') {
    const message = 'Of what is known now nothing is known later.';
    issues.add('invalid_definition', `${path}.servingDelay`, message, 'Leave out servingDelay.');
  }
  return issues.delay(`${path}.servingDelay`, node.servingDelay) ?? 0;
}

/** The spine has what the rows need, and no two columns of the training set have one name. */
function checkColumns(
  service: ServicePlan,
  spine: ResolvedSpine,
  labels: readonly ResolvedLabel[],
  path: string,
  issues: IssueList,
): void {
  const needed = [
    ...service.joinKeys.map((one) => ({ ...one, noun: 'join key' })),
    ...service.request
      .filter((field) => !field.optional)
      .map((one) => ({ ...one, noun: 'request field' })),
    ...labels.flatMap(({ plan, entity }) =>
      entity.joinKeys.map((one) => ({ ...one, noun: `join key of the label '${plan.name}'` })),
    ),
  ];
  for (const one of needed) checkOffered(spine, one, `${path}.spine`, issues);
  const taken = new Set((spine.columns ?? needed).map(({ name }) => name));
  const outputs = [...service.features, ...computedOutputs(service)];
  for (const { name } of outputs) {
    if (taken.has(name)) {
      const message = `The spine has a column with the name of the feature '${name}'.`;
      issues.add('column_collision', `${path}.spine`, message, 'Rename the column.');
    }
    taken.add(name);
  }
  for (const { plan } of labels) {
    if (taken.has(plan.name)) {
      const message = `The label '${plan.name}' has the name of another column.`;
      issues.add('column_collision', `${path}.labels.${plan.name}`, message, 'Rename the label.');
    }
    taken.add(plan.name);
  }
}
