import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { ColumnNode, NamedColumn } from '../define/node.ts';
import { isScalarProblem, scalarOf } from '../define/scalar.ts';
import { type ColumnSchema, type Scalar, typeText, type ValueType } from '../schema/types.ts';
import { byName } from './canonical.ts';
import type { IssueList } from './issue-list.ts';
import { checkPersonal } from './personal-columns.ts';

/** The columns of a source, checked, by name. */
export function resolveColumns(
  source: { readonly name: string; readonly columns: readonly NamedColumn[] },
  issues: IssueList,
): ColumnSchema[] {
  const path = `sources.${source.name}`;
  if (source.columns.length === 0) {
    issues.add('invalid_definition', path, `The source '${source.name}' has no columns.`);
  }
  return source.columns
    .flatMap((named) => columnSchema(named, `${path}.columns.${named.name}`, issues))
    .sort(byName);
}

function columnSchema({ name, column }: NamedColumn, path: string, issues: IssueList) {
  issues.checkName(path, 'a column', name);
  if (column.kind === 'problem') {
    issues.addProblem(path, column);
    return [];
  }
  checkType(path, column.type, issues);
  checkPersonal(path, name, column, issues);
  const schema: ColumnSchema = {
    name,
    type: column.type,
    optional: column.optional && !('default' in column),
    min: boundOf(path, 'min', column, issues),
    max: boundOf(path, 'max', column, issues),
    ...defaultOf(path, column, issues),
    ...(column.personal === undefined ? {} : { personal: column.personal }),
  };
  if (schema.min !== null && schema.max !== null && schema.min > schema.max) {
    issues.add(
      'invalid_definition',
      path,
      `The column '${name}' has a min above its max.`,
      'Swap the two bounds.',
    );
  }
  checkDefault(path, schema, issues);
  return [schema];
}

function defaultOf(
  path: string,
  column: ColumnNode,
  issues: IssueList,
): Pick<ColumnSchema, 'default'> {
  if (!('default' in column)) return {};
  const scalar = scalarOf(column.default, column.type);
  if (!isScalarProblem(scalar)) return { default: scalar };
  issues.addProblem(`${path}.default`, scalar);
  return {};
}

/** The door would refuse nothing of it, and views would read it. */
function checkDefault(path: string, column: ColumnSchema, issues: IssueList): void {
  const { name, min, max, personal, default: given = null } = column;
  if (given === null) return;
  if ((min !== null && given < min) || (max !== null && given > max)) {
    const message = `The default of '${name}' lies outside what the column may hold.`;
    issues.add('invalid_definition', `${path}.default`, message, 'Move it, or the bounds.');
  }
  if (personal === 'tokenized') {
    const message = `'${name}' is tokenized; one token for all who sent none would be of nobody.`;
    issues.add('invalid_definition', `${path}.default`, message, 'Use .optional().');
  }
}

function boundOf(path: string, key: 'min' | 'max', column: ColumnNode, issues: IssueList): Scalar {
  const given = column[key];
  if (!hasBound(given)) return null;
  const scalar = scalarOf(given, column.type);
  if (!isScalarProblem(scalar)) return scalar;
  issues.addProblem(`${path}.${key}`, scalar);
  return null;
}

export function hasBound(given: unknown): boolean {
  return given !== null && given !== undefined;
}

export function checkType(path: string, type: ValueType, issues: IssueList): void {
  const { kind } = type;
  if (kind === 'decimal' || kind === 'float64') {
    checkScale(path, type.scale, issues);
  } else if (kind === 'vector' && !isWhole(type.size, 1, LIMITS.vectorSize)) {
    const message = `A vector of ${String(type.size)} elements cannot be.`;
    issues.add('invalid_definition', path, message, `Use 1 to ${LIMITS.vectorSize} elements.`);
  }
  if (kind === 'vector' && type.model !== undefined && !MODEL_PATTERN.test(type.model)) {
    const message = `A model '${String(type.model)}' cannot be.`;
    issues.add('invalid_definition', path, message, "Write its name and version: 'minilm@3'.");
  }
}

/** Of an embedding model: its name and its version, as its owners write them. */
const MODEL_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._/@:+-]{0,127}$/;

export function checkScale(path: string, scale: unknown, issues: IssueList): void {
  if (isWhole(scale, 0, LIMITS.scale)) return;
  const message = `A scale of ${String(scale)} decimal places cannot be.`;
  issues.add('invalid_definition', path, message, `Use 0 to ${LIMITS.scale} decimal places.`);
}

export function isWhole(given: unknown, least: number, most: number): boolean {
  return Number.isInteger(given) && Number(given) >= least && Number(given) <= most;
}

export function checkRole(
  source: { readonly name: string },
  columns: readonly ColumnSchema[],
  role: string,
  name: string | null,
  kinds: readonly string[],
  issues: IssueList,
): void {
  if (name === null) return;
  const path = `sources.${source.name}.${role}`;
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const fitting = columns.filter(({ type }) => kinds.includes(type.kind)).map((one) => one.name);
    const message = `The source '${source.name}' has no column '${name}'.`;
    issues.add(
      'unknown_name',
      path,
      message + didYouMean(name, fitting),
      'Name a column of the source.',
    );
    return;
  }
  if (!kinds.includes(column.type.kind)) {
    const message = `${role} needs a ${kinds.join(' or ')} column, but '${name}' is ${typeText(column.type)}.`;
    issues.add('type_mismatch', path, message, `Name a ${kinds.join(' or ')} column.`);
  } else if (column.default !== undefined) {
    const message = `${role} needs a column that every row brings, but '${name}' has a default.`;
    issues.add('invalid_definition', path, message, 'Take default() off the column.');
  } else if (column.optional) {
    const message = `${role} needs a column that is never null, but '${name}' is optional.`;
    issues.add('invalid_definition', path, message, 'Take optional() off the column.');
  }
}
