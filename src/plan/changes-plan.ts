import { LIMITS } from '../base/limits.ts';
import type { ChangesNode, StreamNode } from '../define/node.ts';
import type { ChangeSchema } from '../schema/types.ts';
import type { IssueList } from './issue-list.ts';

const DEFAULTS = {
  insert: ['c', 'r', 'insert'],
  update: ['u', 'update'],
  delete: ['d', 'delete'],
  horizon: '7d',
  keep: 1000,
} as const;

/** Checks and resolves how a source's rows change earlier ones; its columns are checked with it. */
export function resolveChanges(
  node: StreamNode,
  firstName: (present: string) => string,
  issues: IssueList,
): ChangeSchema | null {
  const { changes } = node;
  if (changes === null) return null;
  const path = `sources.${node.name}.changes`;
  if (node.id === null) {
    const message = 'A row changes an event by its id, but no column names an event.';
    issues.add('invalid_definition', path, message, "Add id: 'column'.");
  }
  const operations = operationsOf(changes, path, issues);
  const { shape } = changes;
  if (shape !== null && shape !== 'row' && shape !== 'envelope') {
    const message = `'${shape}' is no shape of a change.`;
    issues.add('invalid_definition', `${path}.shape`, message, "Write 'row' or 'envelope'.");
  }
  return {
    column: firstName(changes.column),
    ...operations,
    sequence: changes.sequence === null ? null : firstName(changes.sequence),
    shape: shape === 'envelope' ? 'envelope' : 'row',
    horizonMs: issues.duration(`${path}.horizon`, changes.horizon ?? DEFAULTS.horizon) ?? 0,
    keep: keepOf(changes.keep ?? DEFAULTS.keep, `${path}.keep`, issues),
  };
}

type Operations = Pick<ChangeSchema, 'insert' | 'update' | 'delete'>;

/** Each value of the column says one thing; their order says nothing. */
function operationsOf(changes: ChangesNode, path: string, issues: IssueList): Operations {
  const owners = new Map<string, string>();
  const valuesOf = (operation: keyof Operations): string[] => {
    const values: readonly unknown[] = changes[operation] ?? DEFAULTS[operation];
    const texts = values.filter((value) => typeof value === 'string');
    if (texts.length < values.length) {
      const message = `The values that mean ${operation} are not all text.`;
      issues.add('type_mismatch', `${path}.${operation}`, message, "Write for example ['c', 'r'].");
    }
    for (const text of new Set(texts)) {
      const other = owners.get(text);
      if (other !== undefined) {
        const message = `'${text}' means both ${other} and ${operation}.`;
        issues.add('invalid_definition', `${path}.${operation}`, message, 'Let it mean one.');
      }
      owners.set(text, operation);
    }
    return [...new Set(texts)].sort();
  };
  const operations = {
    insert: valuesOf('insert'),
    update: valuesOf('update'),
    delete: valuesOf('delete'),
  };
  if (operations.insert.length + operations.update.length === 0) {
    const message = 'No value of the column means insert or update, so there can be no events.';
    issues.add('invalid_definition', `${path}.insert`, message, "Write insert: ['c'].");
  }
  return operations;
}

/** How many entries are kept for what may be taken back. */
export function keepOf(keep: number, path: string, issues: IssueList): number {
  if (Number.isInteger(keep) && keep >= 1 && keep <= LIMITS.retractionKeep) return keep;
  const message = `A source cannot keep ${String(keep)} entries for what is taken back.`;
  issues.add('invalid_definition', path, message, `Use 1 to ${LIMITS.retractionKeep}.`);
  return 1;
}
