import type { EntityNode, LabelNode, SourceNode } from '../define/node.ts';
import { keptEntriesOf } from '../schema/types.ts';
import { checkCondition, resolveExpr } from './expression-check.ts';
import { resolveAggregate } from './feature-plan.ts';
import { groupViews } from './group-plan.ts';
import { viewHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import {
  checkTokenUse,
  type KeyTokens,
  keyTokensOf,
  tokenizedColumns,
} from './personal-columns.ts';
import type { EntityPlan, LabelPlan, SourcePlan } from './plan.ts';
import { UNBOUNDED_STATE } from './state-plan.ts';
import { declaredColumns, keyByJoinKey, resolveKey, type ViewDraft } from './view-plan.ts';

/** What datasets and labels are resolved against; null for what has issues of its own. */
export interface ResolvedParts {
  readonly sourceOf: (node: SourceNode) => SourcePlan | null;
  readonly entityOf: (node: EntityNode) => EntityPlan | null;
}

/** A label, with the entity whose join keys its rows must have. */
export interface ResolvedLabel {
  readonly plan: LabelPlan;
  readonly entity: EntityPlan;
  readonly keyTokens: KeyTokens;
}

/**
 * Checks and resolves a label as a view of one feature over the label's horizon, of the dataset's
 * version; null, and issues, where it cannot be.
 */
export function resolveLabel(
  name: string,
  version: number,
  node: LabelNode,
  { sourceOf, entityOf }: ResolvedParts,
  path: string,
  issues: IssueList,
): ResolvedLabel | null {
  const before = issues.count;
  issues.checkName(path, 'a label', name);
  const horizonMs = issues.duration(`${path}.horizon`, node.horizon);
  const delayMs = node.delay === null ? 0 : issues.delay(`${path}.delay`, node.delay);
  const source = node.source === null ? null : sourceOf(node.source);
  const entity = node.entity === null ? null : entityOf(node.entity);
  if (node.source === null) {
    const remedy = 'Give it a stream() or a table().';
    issues.add('invalid_definition', `${path}.source`, 'It has no source.', remedy);
  }
  if (node.entity === null) {
    const remedy = 'Give it an entity().';
    issues.add('invalid_definition', `${path}.entity`, 'It has no entity.', remedy);
  }
  if (node.value.kind === 'problem') issues.addProblem(`${path}.value`, node.value);
  if (source === null || entity === null || node.value.kind === 'problem') return null;
  const columns = declaredColumns(source);
  const keyColumns = resolveKey(node, source, entity, `${path}.key`, issues);
  const filter = resolveExpr(node.filter, columns, 'column', `${path}.filter`, issues);
  checkCondition(filter, 'The label', `${path}.filter`, issues);
  const horizon = { kind: 'sliding', size: node.horizon, hop: null, exact: true, complete: false };
  const value = { ...node.value, window: { ...horizon, kind: 'sliding' as const } };
  const keep = keptEntriesOf(source);
  const feature = resolveAggregate(name, value, { columns, keep }, `${path}.value`, issues);
  if (issues.count > before || feature === null || horizonMs === null || delayMs === null)
    return null;
  checkTokenUse(source, filter, [feature], path, issues);
  const keyTokens = keyTokensOf(source, entity, keyColumns);
  const key = keyByJoinKey(entity, keyColumns);
  const meaning = { name, version, source, entity, key, filter, features: [feature] };
  const draft: ViewDraft = {
    ...meaning,
    source: source.name,
    entity: entity.name,
    keyColumns,
    keep,
    allowedLatenessMs: source.allowedLatenessMs,
    tokenized: tokenizedColumns(source),
    keyTokens,
    freshnessMs: null,
    state: UNBOUNDED_STATE,
    expectations: {},
    hash: viewHash(meaning),
    meta: { owner: null, description: null, tags: [] },
  };
  const { groups, views } = groupViews([draft]);
  const [view] = views;
  if (view === undefined) return null;
  return { plan: { name, horizonMs, delayMs, view, groups }, entity, keyTokens };
}
