import { didYouMean } from '../base/suggest.ts';
import type { ViewNode } from '../define/node.ts';
import type { FeatureDraft } from './feature-plan.ts';
import type { IssueList } from './issue-list.ts';
import type { NeighborMetric, NeighborPlan } from './neighbor-form.ts';
import type { KeyTokens } from './personal-columns.ts';

const METRICS: readonly NeighborMetric[] = ['cosine', 'dot', 'distance'];

/** Of which vectors a view's neighbors can be asked for, checked, by feature. */
export function resolveNeighbors(
  { name, neighbors = [] }: Pick<ViewNode, 'name' | 'neighbors'>,
  features: readonly FeatureDraft[],
  keyTokens: KeyTokens,
  issues: IssueList,
): NeighborPlan[] {
  const resolved = neighbors.flatMap(({ feature, metric: given }): NeighborPlan[] => {
    const path = `views.${name}.neighbors.${feature}`;
    const metric = METRICS.find((one) => one === given);
    if (metric === undefined) {
      const message = `There is no measure '${given}'.${didYouMean(given, METRICS)}`;
      issues.add('invalid_definition', path, message, `Use ${METRICS.join(', ')}.`);
    }
    const found = features.find((one) => one.name === feature);
    const isSound = found === undefined ? unknown(feature, features, path, issues) : true;
    if (found !== undefined && !isKept(found)) {
      const message = `'${feature}' is no vector that holds until the next one comes.`;
      const remedy = 'Use latest(…), or last(…) over lifetime(), of a vector column.';
      issues.add('invalid_definition', path, message, remedy);
    }
    return isSound && metric !== undefined ? [{ feature, metric }] : [];
  });
  if (neighbors.length > 0 && Object.keys(keyTokens).length > 0) {
    const message = 'The keys of the view are tokens: nobody could be told whom the neighbors are.';
    const remedy = 'Leave out neighbors, or key the view by something that is no personal id.';
    issues.add('invalid_definition', `views.${name}.neighbors`, message, remedy);
  }
  return resolved.sort((a, b) => (a.feature < b.feature ? -1 : 1));
}

function unknown(
  feature: string,
  features: readonly FeatureDraft[],
  path: string,
  issues: IssueList,
): false {
  const names = features.map((one) => one.name);
  const message = `There is no feature '${feature}' here.${didYouMean(feature, names)}`;
  issues.add('unknown_name', path, message, 'Use a feature of this view.');
  return false;
}

/** What changes only with its row: an index can follow it. */
function isKept(feature: FeatureDraft): boolean {
  if (feature.kind !== 'aggregate' || feature.type.kind !== 'vector') return false;
  const { fn, window } = feature;
  return fn === 'latest' || (window.kind === 'lifetime' && !window.complete);
}
