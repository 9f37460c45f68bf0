import { AsofError, type Issue, issue } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import { type ColumnSchema, typeText } from '../../schema/types.ts';
import { jsonValueSql } from './json-value-sql.ts';
import { fieldValueSql, typedValueSql } from './typed-value-sql.ts';
import { type ColumnReading, columnChecks } from './value-sql.ts';
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
  const renamed = new Map(Object.entries(rules.rename).map(([from, to]) => [to, from]));
  const byName = new Map(found.map((one) => [one.name, one]));
  const used = new Set<string>();
  const absent: string[] = [];
  const columns: MatchedColumn[] = [];
  for (const column of rules.declared) {
    const name = renamed.get(column.name) ?? column.name;
    const upstream = byName.get(name);
    if (upstream === undefined) {
      if (column.optional && rules.mayLack.has(column.name)) {
        absent.push(column.name);
        columns.push(absentColumn(column, name));
      } else {
        issues.push(missingIssue(what, column, name, found, rules));
      }
      continue;
    }
    used.add(name);
    const matched = read(column, upstream, rules);
    if (matched === null) issues.push(retypedIssue(what, column, upstream));
    else columns.push(matched);
  }
  if (issues.length > 0) throw refused(what, issues);
  const extra = found.map(({ name }) => name).filter((name) => !used.has(name));
  const refusal: SchemaMatch['refusal'] = ({ column, name }) => {
    if (column.optional && rules.mayLack.has(column.name)) return null;
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

function read(column: ColumnSchema, found: FoundColumn, rules: SchemaRules): MatchedColumn | null {
  const { form } = found;
  const { type } = column;
  const { timeZone, finerTimes = null } = rules;
  const rounding = roundingOf(column, finerTimes);
  const cell = sqlName(found.name);
  const known = { column, name: found.name, cell, form };
  const checks = columnChecks(column, rules.times.has(column.name), finerTimes !== null);
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
  return { column, name, cell: 'NULL', form, value: () => 'NULL', checks: () => [] };
}

function missingIssue(
  what: string,
  column: ColumnSchema,
  name: string,
  found: readonly FoundColumn[],
  { declared }: SchemaRules,
): Issue {
  const taken = new Set(declared.map((one) => one.name));
  // What is declared itself is there by its own right: a renamed column is one of the others.
  const others = found.map((one) => one.name).filter((one) => !taken.has(one));
  const cased = others.find((one) => one.toLowerCase() === name.toLowerCase());
  const hint = cased === undefined ? didYouMean(name, others) : ` Did you mean '${cased}'?`;
  return issue(
    'upstream_schema',
    `${what}, column ${column.name}`,
    `'${what}' has no column '${name}' (${typeText(column.type)}).${hint}`,
    column.optional
      ? `Restore it, declare rename: { upstream_name: '${column.name}' }, or accept nulls with --allow-missing ${column.name}.`
      : `Restore it, or declare rename: { upstream_name: '${column.name}' }.`,
  );
}

function retypedIssue(what: string, column: ColumnSchema, { name, form }: FoundColumn): Issue {
  const found = form.kind === 'cast' ? form.shown : form.kind === 'typed' ? form.type : 'text';
  return issue(
    'upstream_schema',
    `${what}, column ${column.name}`,
    `'${what}' has '${name}' as ${found}, which is no ${typeText(column.type)} without loss.`,
    'Declare the column by the type that is there, or cast it upstream.',
  );
}
