import { AsofError, type Issue, issue } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import { namesOf, presentName } from '../../schema/evolution.ts';
import { type ColumnSchema, type SourceSchema, typeText } from '../../schema/types.ts';
import { jsonValueSql } from './json-value-sql.ts';
import { fieldValueSql, typedValueSql } from './typed-value-sql.ts';
import { type CellCheck, type ColumnReading, columnChecks } from './value-sql.ts';
import type { Rounding } from './zone-sql.ts';

/** How the cells of an upstream column come. */
export type CellForm =
  /** Values of a DuckDB type. */
  | { readonly kind: 'typed'; readonly type: string }
  /** Text from which a value of a DuckDB type is made; `shown` is what upstream calls the type. */
  | {
      readonly kind: 'cast';
      readonly type: string;
      readonly sql: (cell: string) => string;
      readonly shown: string;
    }
  /** Fields of a text file. */
  | { readonly kind: 'field' }
  | { readonly kind: 'json' };

export interface FoundColumn {
  readonly name: string;
  readonly form: CellForm;
}

/** A declared column as it is read. */
export interface MatchedColumn extends ColumnReading {
  readonly column: ColumnSchema;
  /** Its name upstream. */
  readonly name: string;
  /** Its names upstream, where rows of several schema versions can be in one file. */
  readonly names: readonly string[];
  /** The SQL of its cell in the upstream relation. */
  readonly cell: string;
  readonly form: CellForm;
}

export interface SchemaMatch {
  readonly columns: readonly MatchedColumn[];
  /** Upstream columns that the table does not declare. */
  readonly extra: readonly string[];
  /** Optional columns that were missing and allowed to be. */
  readonly absent: readonly string[];
  /** What to say of a column that turns out to be in no row; null where that is allowed. */
  readonly refusal: (matched: MatchedColumn) => AsofError | null;
}

export interface SchemaRules {
  readonly declared: readonly ColumnSchema[];
  /** Upstream name → column. */
  readonly rename: Readonly<Record<string, string>>;
  readonly timeZone: string;
  /** Times finer than a millisecond are floored, but the one since when a row is known goes up. */
  readonly finerTimes?: { readonly knownAt: string | null } | null;
  /** Columns whose values may not be negative times. */
  readonly times: ReadonlySet<string>;
  /** Optional columns that upstream may lack; then they are null. */
  readonly mayLack: ReadonlySet<string>;
  /** What rows of the source have been called, and lacked, since its first version. */
  readonly evolution: SourceSchema;
}

/**
 * Finds every declared column upstream, with a type that it can be read from.
 * @throws AsofError `upstream_schema` with an issue for each column that is missing or retyped
 */
export function matchUpstream(
  what: string,
  found: readonly FoundColumn[],
  rules: SchemaRules,
): SchemaMatch {
  const issues: Issue[] = [];
  const byName = new Map(found.map((one) => [one.name, one]));
  const used = new Set<string>();
  const absent: string[] = [];
  const columns: MatchedColumn[] = [];
  for (const column of rules.declared) {
    const names = upstreamNames(column, rules);
    const [name = column.name] = names;
    const there = names.flatMap((one) => byName.get(one) ?? []);
    const [upstream] = there;
    if (upstream === undefined) {
      if (mayBeAbsent(column, rules)) {
        absent.push(presentName(column));
        columns.push(absentColumn(column, name));
      } else {
        issues.push(missingIssue(what, column, name, found, rules));
      }
      continue;
    }
    for (const one of there) used.add(one.name);
    if (there.some((one) => formText(one) !== formText(upstream))) {
      issues.push(twofoldIssue(what, column, there));
      continue;
    }
    const matched = read(column, upstream, there, rules);
    if (matched === null) issues.push(retypedIssue(what, column, upstream));
    else columns.push(matched);
  }
  if (issues.length > 0) throw refused(what, issues);
  const extra = found.map(({ name }) => name).filter((name) => !used.has(name));
  const refusal: SchemaMatch['refusal'] = ({ column, name }) => {
    if (mayBeAbsent(column, rules)) return null;
    const others = found.filter((one) => extra.includes(one.name));
    return refused(what, [missingIssue(what, column, name, others, rules)]);
  };
  return { columns, extra, absent, refusal };
}

function refused(what: string, issues: readonly Issue[]): AsofError {
  const words =
    issues.length === 1
      ? (issues[0]?.message ?? '')
      : `'${what}' has ${issues.length} columns that do not fit.`;
  return new AsofError('upstream_schema', words, { path: what, issues });
}

function read(
  column: ColumnSchema,
  found: FoundColumn,
  there: readonly FoundColumn[],
  rules: SchemaRules,
): MatchedColumn | null {
  const { form } = found;
  const { type } = column;
  const { timeZone, finerTimes = null } = rules;
  const rounding = roundingOf(column, finerTimes);
  const cells = there.map(({ name }) => sqlName(name));
  const cell = cells.length === 1 ? sqlName(found.name) : `coalesce(${cells.join(', ')})`;
  const names = there.map(({ name }) => name);
  const known = { column, name: found.name, names, cell, form };
  const ofColumn = columnChecks(column, rules.times.has(column.name), finerTimes !== null);
  const checks: ColumnReading['checks'] = (sql, value) => [
    ...ambiguousChecks(names, cells),
    ...ofColumn(sql, value),
  ];
  if (form.kind === 'field') {
    return { ...known, checks, value: (sql) => fieldValueSql(type, sql, timeZone, rounding) };
  }
  if (form.kind === 'json') {
    return { ...known, checks, value: (sql) => jsonValueSql(type, sql, timeZone, rounding) };
  }
  const made = (sql: string): string => (form.kind === 'cast' ? form.sql(sql) : sql);
  if (typedValueSql(type, form.type, cell, timeZone) === null) return null;
  return {
    ...known,
    checks,
    value: (sql) => typedValueSql(type, form.type, made(sql), timeZone, rounding) ?? 'NULL',
  };
}

function roundingOf(
  { name }: ColumnSchema,
  finerTimes: Exclude<SchemaRules['finerTimes'], undefined>,
): Rounding {
  if (finerTimes === null) return 'exact';
  return name === finerTimes.knownAt ? 'up' : 'down';
}

function absentColumn(column: ColumnSchema, name: string): MatchedColumn {
  const form = { kind: 'typed', type: '"NULL"' } as const;
  return { column, name, names: [], cell: 'NULL', form, value: () => 'NULL', checks: () => [] };
}

/** What rows of any schema version call a column; one that is mapped by hand has that name alone. */
export function upstreamNames(
  column: ColumnSchema,
  { rename, evolution }: Pick<SchemaRules, 'rename' | 'evolution'>,
): readonly string[] {
  const mapped = Object.entries(rename).find(([, to]) => to === column.name);
  return mapped === undefined ? namesOf(evolution, column) : [mapped[0]];
}

function mayBeAbsent({ name, optional, default: given }: ColumnSchema, rules: SchemaRules) {
  const steps = rules.evolution.evolution ?? [];
  if (given !== undefined || steps.some(({ added }) => added.includes(name))) return true;
  return optional && rules.mayLack.has(name);
}

function ambiguousChecks(names: readonly string[], cells: readonly string[]): CellCheck[] {
  if (cells.length < 2) return [];
  const given = cells.map((cell) => `CAST(${cell} IS NOT NULL AS INTEGER)`).join(' + ');
  const called = names.map((name) => `'${name}'`).join(' and ');
  const message = `${called} are one column, and the row has it more than once.`;
  return [{ code: 'ambiguous_column', message, sql: `${given} > 1` }];
}

function formText(found: FoundColumn): string {
  const { form } = found;
  return form.kind === 'typed' || form.kind === 'cast' ? `${form.kind} ${form.type}` : form.kind;
}

function twofoldIssue(what: string, column: ColumnSchema, there: readonly FoundColumn[]): Issue {
  const called = there.map(({ name }) => `'${name}'`).join(' and ');
  return issue(
    'upstream_schema',
    `${what}, column ${presentName(column)}`,
    `'${what}' has ${called}, which are one column, with different types.`,
    'Leave one of them out, or cast them alike.',
  );
}

function missingIssue(
  what: string,
  column: ColumnSchema,
  name: string,
  found: readonly FoundColumn[],
  { declared }: SchemaRules,
): Issue {
  const taken = new Set(declared.map(presentName));
  // What is declared itself is there by its own right: a renamed column is one of the others.
  const others = found.map((one) => one.name).filter((one) => !taken.has(one));
  const cased = others.find((one) => one.toLowerCase() === name.toLowerCase());
  const hint = cased === undefined ? didYouMean(name, others) : ` Did you mean '${cased}'?`;
  return issue(
    'upstream_schema',
    `${what}, column ${presentName(column)}`,
    `'${what}' has no column '${name}' (${typeText(column.type)}).${hint}`,
    column.optional
      ? `Restore it, declare rename: { upstream_name: '${presentName(column)}' }, or accept nulls with --allow-missing ${presentName(column)}.`
      : `Restore it, or declare rename: { upstream_name: '${presentName(column)}' }.`,
  );
}

function retypedIssue(what: string, column: ColumnSchema, { name, form }: FoundColumn): Issue {
  const found = form.kind === 'cast' ? form.shown : form.kind === 'typed' ? form.type : 'text';
  return issue(
    'upstream_schema',
    `${what}, column ${presentName(column)}`,
    `'${what}' has '${name}' as ${found}, which is no ${typeText(column.type)} without loss.`,
    'Declare the column by the type that is there, or cast it upstream.',
  );
}
