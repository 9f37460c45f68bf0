import { LIMITS } from '../base/limits.ts';
import type { ColumnNode, EntityNode, MetaNode, StreamNode } from '../define/node.ts';
import { typeText } from '../schema/types.ts';
import { byName, compareText } from './canonical.ts';
import { resolveChanges } from './changes-plan.ts';
import { entityHash, sourceHash } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import { checkReadable, refusePersonal } from './personal-columns.ts';
import type { EntityPlan, Meta, SourcePlan } from './plan.ts';
import { checkRole, hasBound, isWhole, resolveColumns } from './source-columns.ts';
import { resolveEvolution } from './source-evolution.ts';

const DEFAULT_LATENESS = '24h';
export const DEFAULT_SKEW = '1m';
export const DEFAULT_HORIZON = '24h';

/** Checks and resolves a stream; a plan is given even where there are issues, to go on with. */
export function resolveStream(node: StreamNode, issues: IssueList): SourcePlan {
  const path = `sources.${node.name}`;
  issues.checkDefinitionName(path, 'a source', node.name);
  const columns = resolveColumns(node, issues);
  checkRole(node, columns, 'eventTime', node.eventTime, ['timestamp'], issues);
  checkRole(node, columns, 'arrivalTime', node.arrivalTime, ['timestamp'], issues);
  checkRole(node, columns, 'id', node.id, ['string', 'int64'], issues);
  const { changes } = node;
  checkRole(node, columns, 'changes.column', changes?.column ?? null, ['string'], issues);
  checkReadable({ name: node.name, columns }, { operation: changes?.column ?? null }, issues);
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
  const evolved = resolveEvolution(node, columns, issues);
  const { firstName } = evolved;
  const source = {
    name: node.name,
    columns: evolved.columns,
    eventTime: firstName(node.eventTime),
    arrivalTime: node.arrivalTime === null ? null : firstName(node.arrivalTime),
    id: node.id === null ? null : firstName(node.id),
    allowedLatenessMs: span('allowedLateness', DEFAULT_LATENESS),
    maxClockSkewMs: span('maxClockSkew', DEFAULT_SKEW),
    dedupeHorizonMs: span('dedupeHorizon', DEFAULT_HORIZON),
    partitions: partitionsOf(node, issues),
    changes: resolveChanges(node, firstName, issues),
    ...(evolved.evolution.length === 0 ? {} : { evolution: evolved.evolution }),
  };
  return { ...source, table: null, origin: null, hash: sourceHash(source), meta: metaOf(node) };
}

export function resolveEntity(node: EntityNode, issues: IssueList): EntityPlan {
  const path = `entities.${node.name}`;
  issues.checkDefinitionName(path, 'an entity', node.name);
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
  refusePersonal(path, `join key '${name}'`, column, issues);
  if (column.optional || 'default' in column || hasBound(column.min) || hasBound(column.max)) {
    const message = `The join key '${name}' is optional or bounded; a key is neither.`;
    issues.add('invalid_definition', path, message, 'Say that on the column of the source.');
  }
}

export function metaOf(node: MetaNode): Meta {
  return {
    owner: node.owner,
    description: node.description,
    tags: [...new Set(node.tags)].sort(compareText),
    ...(node.risk === undefined ? {} : { risk: node.risk }),
  };
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
