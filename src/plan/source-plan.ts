import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { ColumnNode, EntityNode, MetaNode, NamedColumn, StreamNode } from '../define/node.ts';
import { isScalarProblem, scalarOf } from '../define/scalar.ts';
import { type ColumnSchema, type Scalar, typeText, type ValueType } from '../schema/types.ts';
import { byName, compareText } from './canonical.ts';
import { resolveChanges } from './changes-plan.ts';
import { entityHash, sourceHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import type { EntityPlan, Meta, SourcePlan } from './plan.ts';

const DEFAULT_LATENESS = '24h';
const DEFAULT_SKEW = '1m';
const DEFAULT_HORIZON = '24h';

/** Checks and resolves a source; a plan is given even where there are issues, to go on with. */
export function resolveSource(node: StreamNode, issues: IssueList): SourcePlan {
  const path = `sources.${node.name}`;
  issues.checkName(path, 'a source', node.name);
  const columns = node.columns
    .flatMap((named) => columnSchema(named, `${path}.columns.${named.name}`, issues))
    .sort(byName);
  if (node.columns.length === 0) {
    issues.add('invalid_definition', path, `The source '${node.name}' has no columns.`);
  }
  checkRole(node, columns, 'eventTime', node.eventTime, ['timestamp'], issues);
  checkRole(node, columns, 'arrivalTime', node.arrivalTime, ['timestamp'], issues);
  checkRole(node, columns, 'id', node.id, ['string', 'int64'], issues);
  const { changes } = node;
  checkRole(node, columns, 'changes.column', changes?.column ?? null, ['string'], issues);
  const sequence = changes?.sequence ?? null;
  checkRole(node, columns, 'changes.sequence', sequence, ['int64', 'timestamp'], issues);
  if (node.id === null && node.dedupeHorizon !== null) {
    issues.add(
      'invalid_definition',
      `${path}.dedupeHorizon`,
      'A dedupe horizon is given, but no column names an event.',
      'Add id, or leave dedupeHorizon out.',
    );
  }
  const span = (key: 'allowedLateness' | 'maxClockSkew' | 'dedupeHorizon', fallback: string) =>
    issues.duration(`${path}.${key}`, node[key] ?? fallback) ?? 0;
  const source = {
    name: node.name,
    columns,
    eventTime: node.eventTime,
    arrivalTime: node.arrivalTime,
    id: node.id,
    allowedLatenessMs: span('allowedLateness', DEFAULT_LATENESS),
    maxClockSkewMs: span('maxClockSkew', DEFAULT_SKEW),
    dedupeHorizonMs: span('dedupeHorizon', DEFAULT_HORIZON),
    partitions: partitionsOf(node, issues),
    changes: resolveChanges(node, issues),
  };
  return { ...source, table: null, origin: null, hash: sourceHash(source), meta: metaOf(node) };
}

export function resolveEntity(node: EntityNode, issues: IssueList): EntityPlan {
  const path = `entities.${node.name}`;
  issues.checkName(path, 'an entity', node.name);
  if (node.keys.length === 0) {
    const remedy = 'Write keys: { user: string() }.';
    issues.add('invalid_definition', path, `The entity '${node.name}' has no keys.`, remedy);
  }
  const joinKeys = node.keys
    .flatMap(({ name, column }) => {
      const keyPath = `${path}.keys.${name}`;
      issues.checkName(keyPath, 'a join key', name);
      if (column.kind === 'problem') {
        issues.addProblem(keyPath, column);
        return [];
      }
      checkKey(keyPath, name, column, issues);
      return [{ name, type: column.type }];
    })
    .sort(byName);
  const entity = { name: node.name, joinKeys };
  return { ...entity, hash: entityHash(entity), meta: metaOf(node) };
}

function checkKey(path: string, name: string, column: ColumnNode, issues: IssueList): void {
  const { kind } = column.type;
  if (kind !== 'string' && kind !== 'int64') {
    const message = `The join key '${name}' is ${typeText(column.type)}.`;
    issues.add('type_mismatch', path, message, 'Use string() or int64().');
  }
  if (column.optional || hasBound(column.min) || hasBound(column.max)) {
    const message = `The join key '${name}' is optional or bounded; a key is neither.`;
    issues.add('invalid_definition', path, message, 'Say that on the column of the source.');
  }
}

export function metaOf(node: MetaNode): Meta {
  return {
    owner: node.owner,
    description: node.description,
    tags: [...new Set(node.tags)].sort(compareText),
  };
}

function columnSchema({ name, column }: NamedColumn, path: string, issues: IssueList) {
  issues.checkName(path, 'a column', name);
  if (column.kind === 'problem') {
    issues.addProblem(path, column);
    return [];
  }
  checkType(path, column.type, issues);
  const schema: ColumnSchema = {
    name,
    type: column.type,
    optional: column.optional,
    min: boundOf(path, 'min', column, issues),
    max: boundOf(path, 'max', column, issues),
  };
  if (schema.min !== null && schema.max !== null && schema.min > schema.max) {
    issues.add(
      'invalid_definition',
      path,
      `The column '${name}' has a min above its max.`,
      'Swap the two bounds.',
    );
  }
  return [schema];
}

function boundOf(path: string, key: 'min' | 'max', column: ColumnNode, issues: IssueList): Scalar {
  const given = column[key];
  if (!hasBound(given)) return null;
  const scalar = scalarOf(given, column.type);
  if (!isScalarProblem(scalar)) return scalar;
  issues.addProblem(`${path}.${key}`, scalar);
  return null;
}

function hasBound(given: unknown): boolean {
  return given !== null && given !== undefined;
}

function checkType(path: string, type: ValueType, issues: IssueList): void {
  const { kind } = type;
  if (kind === 'decimal' || kind === 'float64') {
    checkScale(path, type.scale, issues);
  } else if (kind === 'vector' && !isWhole(type.size, 1, LIMITS.vectorSize)) {
    const message = `A vector of ${String(type.size)} elements cannot be.`;
    issues.add('invalid_definition', path, message, `Use 1 to ${LIMITS.vectorSize} elements.`);
  }
}

export function checkScale(path: string, scale: unknown, issues: IssueList): void {
  if (isWhole(scale, 0, LIMITS.scale)) return;
  const message = `A scale of ${String(scale)} decimal places cannot be.`;
  issues.add('invalid_definition', path, message, `Use 0 to ${LIMITS.scale} decimal places.`);
}

function isWhole(given: unknown, least: number, most: number): boolean {
  return Number.isInteger(given) && Number(given) >= least && Number(given) <= most;
}

function checkRole(
  node: StreamNode,
  columns: readonly ColumnSchema[],
  role: 'eventTime' | 'arrivalTime' | 'id' | 'changes.column' | 'changes.sequence',
  name: string | null,
  kinds: readonly string[],
  issues: IssueList,
): void {
  if (name === null) return;
  const path = `sources.${node.name}.${role}`;
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const fitting = columns.filter(({ type }) => kinds.includes(type.kind)).map((one) => one.name);
    const message = `The source '${node.name}' has no column '${name}'.`;
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
  } else if (column.optional) {
    const message = `${role} needs a column that is never null, but '${name}' is optional.`;
    issues.add('invalid_definition', path, message, 'Take optional() off the column.');
  }
}

function partitionsOf(node: StreamNode, issues: IssueList): number {
  const partitions = node.partitions ?? 1;
  if (isWhole(partitions, 1, LIMITS.partitions)) return partitions;
  issues.add(
    'invalid_definition',
    `sources.${node.name}.partitions`,
    `A source cannot have ${String(partitions)} partitions.`,
    `Use 1 to ${LIMITS.partitions}.`,
  );
  return 1;
}
