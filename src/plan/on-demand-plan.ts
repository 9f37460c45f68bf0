import type { ServiceNode } from '../define/node.ts';
import { byName } from './canonical.ts';
import type { Named } from './expression-check.ts';
import { resolveDerived } from './feature-plan.ts';
import type { IssueList } from './issue-list.ts';
import { checkTokenExpr, refusePersonal, type TokenNames } from './personal-columns.ts';
import type { OnDemandFeaturePlan, RequestFieldPlan, ServiceFeaturePlan } from './plan.ts';
import { checkType, hasBound } from './source-columns.ts';

/** The fields of a service's requests, checked, by name. */
export function resolveRequest(node: ServiceNode, issues: IssueList): RequestFieldPlan[] {
  const fields = node.request.flatMap(({ name, column }): RequestFieldPlan[] => {
    const path = `services.${node.name}.request.${name}`;
    issues.checkName(path, 'a request field', name);
    if (column.kind === 'problem') {
      issues.addProblem(path, column);
      return [];
    }
    refusePersonal(path, `request field '${name}'`, column, issues);
    checkType(path, column.type, issues);
    if (hasBound(column.min) || hasBound(column.max)) {
      const message = `The request field '${name}' is bounded; requests are answered, not refused.`;
      issues.add('invalid_definition', path, message, 'Leave out min and max.');
    }
    if ('default' in column) {
      const message = `The request field '${name}' has a default; a field that is left out is null.`;
      const remedy = 'Make it optional(), and write coalesce(…) where it is used.';
      issues.add('invalid_definition', path, message, remedy);
    }
    return [{ name, type: column.type, optional: column.optional }];
  });
  return fields.sort(byName);
}

/** Expressions over request fields and outputs, checked, in the order they are written. */
export function resolveOnDemand(
  node: ServiceNode,
  features: readonly ServiceFeaturePlan[],
  request: readonly RequestFieldPlan[],
  tokens: TokenNames,
  issues: IssueList,
): OnDemandFeaturePlan[] {
  const known: Named[] = [...request, ...features];
  return node.onDemand.flatMap(({ name, feature }): OnDemandFeaturePlan[] => {
    const path = `services.${node.name}.onDemand.${name}`;
    issues.checkName(path, 'an on-demand feature', name);
    if (feature.kind === 'problem') {
      issues.addProblem(path, feature);
      return [];
    }
    const resolved = resolveDerived(name, feature, known, path, issues);
    if (resolved === null) return [];
    checkTokenExpr(resolved, tokens, path, issues);
    const { expr, type, default: fallback, meta } = resolved;
    return [{ name, expr, type, default: fallback, meta }];
  });
}
