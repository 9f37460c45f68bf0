import { didYouMean } from '../base/suggest.ts';
import type { NamedFeature, ViewNode } from '../define/node.ts';
import { columnCalled, presentName } from '../schema/evolution.ts';
import {
  type ColumnSchema,
  keptEntriesOf,
  SNAPSHOT_TIME_COLUMN,
  sameType,
  typeText,
  UNIT_COLUMN,
} from '../schema/types.ts';
import { byName } from './canonical.ts';
import { resolveExpectations } from './expectation-plan.ts';
import { checkCondition, type Named, resolveExpr } from './expression-check.ts';
import { type FeatureDraft, resolveAggregate, resolveDerived } from './feature-plan.ts';
import { viewHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import { resolveNeighbors } from './neighbor-plan.ts';
import { resolveOnline } from './online-plan.ts';
import {
  checkTokenUse,
  type KeyTokens,
  keyTokensOf,
  tokenizedColumns,
} from './personal-columns.ts';
import type { EntityPlan, SourcePlan, ViewPlan } from './plan.ts';
import { metaOf } from './source-plan.ts';
import { resolveState } from './state-plan.ts';

/** A view, checked, whose features have no place in a tile group yet. */
export interface ViewDraft extends Omit<ViewPlan, 'features'> {
  /** In the order of the entity's join keys. */
  readonly keyColumns: readonly string[];
  readonly features: readonly FeatureDraft[];
  /** Of its source: entries kept for events that may be taken back, or 0 where events are final. */
  readonly keep: number;
  /** Of its source. */
  readonly allowedLatenessMs: number;
  /** Of its source: columns that hold tokens, and of its entity's join keys, which are tokens. */
  readonly tokenized: readonly string[];
  readonly keyTokens: KeyTokens;
}

const NO_SOURCE = 'Give it a stream() or a table().';

/** Checks and resolves a view; null, and issues, where it cannot be. */
export function resolveView(
  node: ViewNode,
  source: SourcePlan | null,
  entity: EntityPlan | null,
  issues: IssueList,
): ViewDraft | null {
  const path = `views.${node.name}`;
  const before = issues.count;
  issues.checkDefinitionName(path, 'a view', node.name);
  issues.checkVersion(`${path}.version`, node.version);
  const freshnessMs =
    node.freshness === null ? null : issues.duration(`${path}.freshness`, node.freshness);
  const state = resolveState(node.state, `${path}.state`, issues);
  if (source === null) {
    issues.add('invalid_definition', `${path}.source`, 'It has no source.', NO_SOURCE);
  }
  if (entity === null) {
    const remedy = 'Give it an entity().';
    issues.add('invalid_definition', `${path}.entity`, 'It has no entity.', remedy);
  }
  if (source === null || entity === null) return null;
  const keyColumns = resolveKey(node, source, entity, `${path}.key`, issues);
  const columns = declaredColumns(source);
  const filter = resolveExpr(node.filter, columns, 'column', `${path}.filter`, issues);
  checkCondition(filter, 'The view', `${path}.filter`, issues);
  const features = resolveFeatures(node, source, entity, issues);
  checkTokenUse(source, filter, features, path, issues);
  // A feature with issues of its own has those listed, and not that it does not exist.
  const unsound = node.features.filter(({ name }) => !features.some((one) => one.name === name));
  const expected = node.expectations.filter((one) =>
    unsound.every(({ name }) => name !== one.name),
  );
  const expectations = resolveExpectations(expected, features, 'feature', `${path}.expect`, issues);
  const neighbors = resolveNeighbors(
    node,
    features,
    keyTokensOf(source, entity, keyColumns),
    issues,
  );
  const online = resolveOnline(node, issues);
  if (issues.count > before) return null;
  const { name, version } = node;
  const key = keyByJoinKey(entity, keyColumns);
  const meaning = { name, version, source, entity, key, filter, features };
  return {
    ...meaning,
    source: source.name,
    entity: entity.name,
    keyColumns,
    keep: keptEntriesOf(source),
    allowedLatenessMs: source.allowedLatenessMs,
    tokenized: tokenizedColumns(source),
    keyTokens: keyTokensOf(source, entity, keyColumns),
    freshnessMs,
    state,
    expectations,
    ...(neighbors.length === 0 ? {} : { neighbors }),
    ...(online === null ? {} : { online }),
    hash: viewHash(meaning),
    meta: metaOf(node),
  };
}

/** The columns that a definition can name: what a table adds to its rows is not among them. */
export function declaredColumns(source: SourcePlan): readonly ColumnSchema[] {
  return source.columns.filter(({ name }) => !COMPUTED.has(name));
}

const COMPUTED: ReadonlySet<string> = new Set([UNIT_COLUMN, SNAPSHOT_TIME_COLUMN]);

/** Join key → column, by its first name, of columns in the order of the join keys. */
export function keyByJoinKey(
  { joinKeys }: EntityPlan,
  keyColumns: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(joinKeys.map(({ name }, i) => [name, keyColumns[i] ?? '']).sort());
}

/** The source's columns that hold the entity's join keys, in the order of those. */
export function resolveKey(
  node: Pick<ViewNode, 'key'>,
  source: SourcePlan,
  entity: EntityPlan,
  path: string,
  issues: IssueList,
): string[] {
  const columns = declaredColumns(source);
  const joinKeys = entity.joinKeys.map((joinKey) => joinKey.name);
  for (const given of Object.keys(node.key)) {
    if (joinKeys.includes(given)) continue;
    const message = `The entity '${entity.name}' has no join key '${given}'.`;
    issues.add(
      'unknown_name',
      `${path}.${given}`,
      message + didYouMean(given, joinKeys),
      'Use a join key of the entity.',
    );
  }
  return entity.joinKeys.flatMap((joinKey) => {
    const keyPath = `${path}.${joinKey.name}`;
    const columnName = node.key[joinKey.name];
    if (columnName === undefined) {
      const message = `The join key '${joinKey.name}' of '${entity.name}' is mapped to no column.`;
      const remedy = `Write key: { ${joinKey.name}: 'column' }.`;
      issues.add('invalid_definition', keyPath, message, remedy);
      return [];
    }
    const column = columnCalled(columns, columnName);
    if (column === undefined) {
      const fitting = columns.filter(({ type }) => sameType(type, joinKey.type));
      const hint = didYouMean(columnName, fitting.map(presentName));
      const message = `The source '${source.name}' has no column '${columnName}'.`;
      issues.add('unknown_name', keyPath, message + hint, 'Use a column of the source.');
      return [];
    }
    if (!sameType(column.type, joinKey.type)) {
      const message =
        `The join key '${joinKey.name}' is ${typeText(joinKey.type)}, ` +
        `but the column '${columnName}' is ${typeText(column.type)}.`;
      const remedy = `Map it to a ${typeText(joinKey.type)} column.`;
      issues.add('type_mismatch', keyPath, message, remedy);
    }
    return [column.name];
  });
}

/** Aggregates by name, then derived features by name: those come after what they read. */
function resolveFeatures(
  node: ViewNode,
  source: SourcePlan,
  entity: EntityPlan,
  issues: IssueList,
): FeatureDraft[] {
  const path = `views.${node.name}.features`;
  const reads = { columns: declaredColumns(source), keep: keptEntriesOf(source) };
  if (node.features.length === 0) {
    issues.add('invalid_definition', path, `The view '${node.name}' has no features.`);
  }
  checkFeatureNames(node, entity, issues);
  const known = node.features.flatMap(({ name, feature }): Named[] =>
    feature.kind === 'aggregate' && feature.type !== null ? [{ name, type: feature.type }] : [],
  );
  const resolved = node.features.flatMap(({ name, feature }): FeatureDraft[] => {
    const featurePath = `${path}.${name}`;
    if (feature.kind === 'problem') {
      issues.addProblem(featurePath, feature);
      return [];
    }
    const draft =
      feature.kind === 'aggregate'
        ? resolveAggregate(name, feature, reads, featurePath, issues)
        : resolveDerived(name, feature, known, featurePath, issues);
    return draft === null ? [] : [draft];
  });
  const ofKind = (kind: FeatureDraft['kind']) =>
    resolved.filter((feature) => feature.kind === kind).sort(byName);
  return [...ofKind('aggregate'), ...ofKind('derived')];
}

function checkFeatureNames(node: ViewNode, entity: EntityPlan, issues: IssueList): void {
  const seen = new Set<NamedFeature['name']>();
  for (const { name } of node.features) {
    const path = `views.${node.name}.features.${name}`;
    issues.checkName(path, 'a feature', name);
    if (seen.has(name)) {
      const message = `The view has a feature and a derived feature named '${name}'.`;
      issues.add('invalid_definition', path, message, 'Rename one of the two.');
    }
    seen.add(name);
    if (entity.joinKeys.some((joinKey) => joinKey.name === name)) {
      const message = `The feature '${name}' has the name of a join key of '${entity.name}'.`;
      issues.add('column_collision', path, message, 'Rename the feature.');
    }
  }
}
