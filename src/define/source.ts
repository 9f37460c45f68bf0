import type { ColumnMap } from './column.ts';
import { nodeOf } from './node.ts';
import type { RowField } from './row.ts';
import type { SourceNode } from './source-node.ts';

/** What a view can be defined over: a stream or a table. */
export interface Source<Name extends string = string, Columns extends ColumnMap = ColumnMap> {
  readonly node: SourceNode;
  readonly name: Name;
  readonly columns: Columns;
}

/** The source behind a value of the DSL, or null for anything else. */
export function sourceNodeOf(given: unknown): SourceNode | null {
  const node = nodeOf(given);
  return node?.kind === 'stream' || node?.kind === 'table' ? (node as SourceNode) : null;
}

/** The columns of a source, as the fields that a definition's functions can name. */
export function eventFields(source: SourceNode | null): RowField[] {
  return (source?.columns ?? []).map(({ name, column }) => ({
    name,
    type: column.kind === 'problem' ? null : column.type,
  }));
}
