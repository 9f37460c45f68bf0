import type { Duration } from '../base/duration.ts';
import type { ColumnMap } from './column.ts';
import type { ChangesNode } from './node.ts';
import type { RequiredColumn } from './required-column.ts';

/** A change stream: its rows insert, update and delete earlier ones, by id (semantics §6). */
export interface ChangeOptions<
  C extends ColumnMap,
  Operation extends string,
  Sequence extends string,
  Shape extends 'row' | 'envelope' = 'row' | 'envelope',
> {
  /** The string column that names the operation. */
  readonly column: RequiredColumn<C, 'string', Operation, 'changes.column'>;
  /** What the column holds for a new event. Default `['c', 'r', 'insert']`. */
  readonly insert?: readonly string[];
  /** What it holds for one that replaces the event of its id. Default `['u', 'update']`. */
  readonly update?: readonly string[];
  /** What it holds for one that takes the event of its id back. Default `['d', 'delete']`. */
  readonly delete?: readonly string[];
  /**
   * An int64 or timestamp column that grows with every change of an id: a row that is not newer
   * than what is known is a duplicate. Without it the rows of an id count in the order they come.
   */
  readonly sequence?: RequiredColumn<C, 'int64' | 'timestamp', Sequence, 'changes.sequence'>;
  /** `'row'` (the default): the columns themselves; `'envelope'`: objects `before` and `after`. */
  readonly shape?: Shape;
  /** For how long after its arrival an event can be changed. Default `'7d'`. */
  readonly horizon?: Duration;
  /**
   * How many entries an aggregate that cannot subtract (min, last, lists, sessions) keeps beyond
   * what it shows, for those that may be taken back: 1 to 10,000. Default 1000.
   */
  readonly keep?: number;
}

/** What the compiler knows of a change stream: the columns of a change, and how it is sent. */
export interface ChangeTypes<
  Id extends string = string,
  Operation extends string = string,
  Sequence extends string = string,
  Shape extends 'row' | 'envelope' = 'row' | 'envelope',
> {
  readonly id: Id;
  readonly operation: Operation;
  readonly sequence: Sequence;
  readonly shape: Shape;
}

/** The options as they may come from plain JavaScript. */
export interface LooseChanges {
  readonly column: unknown;
  readonly insert?: readonly string[];
  readonly update?: readonly string[];
  readonly delete?: readonly string[];
  readonly sequence?: unknown;
  readonly shape?: string;
  readonly horizon?: string;
  readonly keep?: number;
}

export function changesNode(given: LooseChanges): ChangesNode {
  return {
    column: String(given.column),
    insert: listOf(given.insert),
    update: listOf(given.update),
    delete: listOf(given.delete),
    sequence: given.sequence === undefined ? null : String(given.sequence),
    shape: given.shape ?? null,
    horizon: given.horizon ?? null,
    keep: given.keep ?? null,
  };
}

function listOf(given: readonly string[] | undefined): readonly string[] | null {
  if (given === undefined) return null;
  return Array.isArray(given) ? [...given] : [String(given)];
}
