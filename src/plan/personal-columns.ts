import type { ColumnNode } from '../define/node.ts';
import type { ExprNode } from '../expr/node.ts';
import { type ColumnSchema, namespaceOf, type SourceSchema, typeText } from '../schema/types.ts';
import type { FeatureMeaning } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import type { DerivedFeaturePlan, EntityPlan } from './plan.ts';

/** A tokenized column holds texts, and of a hash nothing can be said but what it is equal to. */
export function checkPersonal(
  path: string,
  name: string,
  column: ColumnNode,
  issues: IssueList,
): void {
  if (column.personal !== 'tokenized') return;
  if (column.type.kind !== 'string') {
    const message = `The column '${name}' is ${typeText(column.type)}; only texts are tokenized.`;
    issues.add('type_mismatch', path, message, 'Declare it string(), and send ids as texts.');
  }
  if ((column.min ?? null) === null && (column.max ?? null) === null) return;
  const message = `The column '${name}' is tokenized, and a bound says nothing of tokens.`;
  issues.add('invalid_definition', path, message, 'Leave out min and max.');
}

/** Where values come from says what they are about; what is sent to be answered is not kept. */
export function refusePersonal(
  path: string,
  what: string,
  { personal }: ColumnNode,
  issues: IssueList,
): void {
  if (personal === undefined) return;
  const message = `The ${what} is marked as personal, which is said of columns of sources.`;
  issues.add('invalid_definition', path, message, 'Say that on the column of the source.');
}

/** What asof itself must be able to read is no token: operations, days, names of units. */
export function checkReadable(
  source: Pick<SourceSchema, 'name' | 'columns'>,
  roles: Readonly<Record<string, string | null>>,
  issues: IssueList,
): void {
  const tokenized = tokenizedColumns(source);
  for (const [role, name] of Object.entries(roles)) {
    if (name === null || !tokenized.includes(name)) continue;
    const message = `'${name}' is tokenized, and asof has to read it as ${role}.`;
    const remedy = 'Take it from a column that is not tokenized.';
    issues.add('invalid_definition', `sources.${source.name}.columns.${name}`, message, remedy);
  }
}

/** Tokens that a query passes on are of the namespace that they were made in, and requests make others. */
export function checkTokensRead(
  table: Pick<SourceSchema, 'name' | 'columns'>,
  upstreams: readonly Pick<SourceSchema, 'name' | 'columns'>[],
  issues: IssueList,
): void {
  const [name] = tokenizedColumns(table);
  const read = upstreams.filter((source) => tokenizedColumns(source).length > 0);
  const own = namespaceOf(table.name);
  const [other] = read.map((source) => namespaceOf(source.name));
  if (name === undefined || other === undefined) return;
  if (read.some((source) => namespaceOf(source.name) === own)) return;
  const message = `'${name}' is tokenized in the namespace '${own}', and the query reads tokens of '${other}' alone.`;
  const remedy = `Name the table '${other}.…', so that requests are read by the tokens that it holds.`;
  issues.add('type_mismatch', `sources.${table.name}.columns.${name}`, message, remedy);
}

/** Columns of a source whose values are tokens. */
export function tokenizedColumns(source: Pick<SourceSchema, 'columns'>): readonly string[] {
  return source.columns.filter(isTokenized).map(({ name }) => name);
}

function isTokenized({ personal }: ColumnSchema): boolean {
  return personal === 'tokenized';
}

/** In which namespace the tokens of an entity's join keys are made, by join key. */
export type KeyTokens = Readonly<Record<string, string>>;

/** @param keyColumns in the order of the entity's join keys */
export function keyTokensOf(
  source: Pick<SourceSchema, 'name' | 'columns'>,
  entity: Pick<EntityPlan, 'joinKeys'>,
  keyColumns: readonly string[],
): KeyTokens {
  const tokenized = tokenizedColumns(source);
  const domain = namespaceOf(source.name);
  return Object.fromEntries(
    entity.joinKeys.flatMap(({ name }, at) =>
      tokenized.includes(keyColumns[at] ?? '') ? [[name, domain]] : [],
    ),
  );
}

/**
 * A request gives each join key once, so all views behind one must mean the same by it: the raw
 * value, or its token of one namespace. Notes in `known` what this one means.
 */
export function checkTokens(
  view: { readonly name: string; readonly keyTokens: KeyTokens },
  { joinKeys }: Pick<EntityPlan, 'joinKeys'>,
  known: Map<string, string | null>,
  path: string,
  issues: IssueList,
): void {
  for (const { name } of joinKeys) {
    const domain = view.keyTokens[name] ?? null;
    const before = known.get(name);
    known.set(name, domain);
    if (before === undefined || before === domain) continue;
    const say = (one: string | null): string =>
      one === null ? 'as it is' : `as its token of the namespace '${one}'`;
    const message = `'${view.name}' reads the join key '${name}' ${say(domain)}, and another view ${say(before)}.`;
    const remedy = 'Tokenize the column in all sources of one namespace, or use two services.';
    issues.add('type_mismatch', path, message, remedy);
  }
}

/** Functions that need no more of a value than whether it is equal to another one. */
const OF_TOKENS: ReadonlySet<string> = new Set([
  ...['count', 'count_distinct', 'latest', 'first', 'last', 'first_n', 'last_n', 'top_k'],
]);

/** Where an expression asks more of a token than whether it is equal to another one. */
export function checkTokenUse(
  source: Pick<SourceSchema, 'name' | 'columns'>,
  filter: ExprNode | null,
  features: readonly FeatureMeaning[],
  path: string,
  issues: IssueList,
): void {
  const columns = tokenizedColumns(source);
  if (columns.length === 0) return;
  const domain = namespaceOf(source.name);
  const tokenized: TokenNames = new Map(columns.map((name) => [name, domain]));
  const shown = tokenFeatures(columns, features);
  const ofFeatures: TokenNames = new Map([...shown].map((name) => [name, domain]));
  const refuse = (name: string | null, place: string): void => refuseUse(name, place, issues);
  refuse(misused(filter, tokenized), `${path}.filter`);
  for (const feature of features) {
    const place = `${path}.features.${feature.name}`;
    if (shown.has(feature.name) && feature.default !== null) refuse(feature.name, place);
    if (feature.kind === 'derived') {
      refuse(misused(feature.expr, ofFeatures), place);
      continue;
    }
    const { measure, filter: own } = feature.lane;
    refuse(misused(own, tokenized), place);
    const isWhole = measure?.kind === 'column' && tokenized.has(measure.name);
    if (!isWhole) refuse(misused(measure, tokenized), place);
    else if (!OF_TOKENS.has(feature.fn)) refuse(measure.name, place);
  }
}

/** Columns or features whose values are tokens, and the namespace that these are made in. */
export type TokenNames = ReadonlyMap<string, string>;

/** Where an expression or its default asks more of a service's features than tokens can tell. */
export function checkTokenExpr(
  { name, expr, default: fallback }: Pick<DerivedFeaturePlan, 'name' | 'expr' | 'default'>,
  tokens: TokenNames,
  path: string,
  issues: IssueList,
): void {
  const isToken = expr.kind === 'column' && tokens.has(expr.name);
  refuseUse(isToken && fallback !== null ? name : misused(expr, tokens), path, issues);
}

function refuseUse(name: string | null, path: string, issues: IssueList): void {
  if (name === null) return;
  const message = `'${name}' is tokenized: of a token it is known only which others are equal.`;
  const remedy = 'Count, compare or pick whole tokens, or send what is asked in another column.';
  issues.add('type_mismatch', path, message, remedy);
}

/** Functions whose result is one value of their measure. */
const PICKING: ReadonlySet<string> = new Set(['latest', 'first', 'last']);

/** The features whose single values are tokens. */
export function tokenFeatures(
  tokenized: readonly string[],
  features: readonly FeatureMeaning[],
): ReadonlySet<string> {
  const found = new Set<string>();
  if (tokenized.length === 0) return found;
  const isToken = (feature: FeatureMeaning): boolean => {
    if (feature.kind === 'derived') {
      return feature.expr.kind === 'column' && found.has(feature.expr.name);
    }
    const { measure } = feature.lane;
    return (
      PICKING.has(feature.fn) && measure?.kind === 'column' && tokenized.includes(measure.name)
    );
  };
  // Derived features come after what they read.
  for (const feature of features) if (isToken(feature)) found.add(feature.name);
  return found;
}

/** The first name of tokens that an operation looks into. */
function misused(node: ExprNode | null, tokenized: TokenNames): string | null {
  if (node === null || node.kind !== 'call') return null;
  const domains = new Set(
    node.args.map((arg) => (arg.kind === 'column' ? (tokenized.get(arg.name) ?? null) : null)),
  );
  // Tokens of two namespaces are never equal, whoever they are of.
  const isOfTokens = domains.size === 1 && !domains.has(null);
  const compares = (node.op === 'eq' || node.op === 'ne') && isOfTokens;
  if (node.op === 'is_null' || node.op === 'is_not_null' || compares) {
    return node.args.map((arg) => misused(arg, tokenized)).find((name) => name !== null) ?? null;
  }
  for (const arg of node.args) {
    if (arg.kind === 'column' && tokenized.has(arg.name)) return arg.name;
    const found = misused(arg, tokenized);
    if (found !== null) return found;
  }
  return null;
}
