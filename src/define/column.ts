import { DEFAULT_SCALE, type ValueType } from '../schema/types.ts';
import type { Expression } from './expression-type.ts';
import { type ColumnNode, isProblem, type NamedColumn, nodeOf, problemNode } from './node.ts';
import type { JsValue, OrderedTag, Tagged, TagOf, TypeTag, VectorTag } from './type-tag.ts';

declare const optional: unique symbol;

/** Whether rows may lack a column: never, with null as its value, or with its default. */
export type Presence = boolean | 'defaulted';

/** A column of a source, or a join key of an entity. */
export interface ColumnDefinition<T extends TypeTag = TypeTag, Optional extends Presence = Presence>
  extends Tagged<T> {
  readonly [optional]: Optional;
  readonly node: ColumnNode;
}

/** A column of which nothing more can be said than whether it may be null. */
export interface PlainColumn<T extends TypeTag, Optional extends Presence = false>
  extends ColumnDefinition<T, Optional> {
  /** Null becomes a value of the column; a row may leave it out. */
  optional(): PlainColumn<T, true>;
  /** What the column holds where a row leaves it out or has null; not of vectors. */
  default(value: PlainDefault<T>): PlainColumn<T, 'defaulted'>;
  /** It says something about a person; what is made of it is shown as personal. */
  personal(): PlainColumn<T, Optional>;
}

/** A column whose values have an order, and so can be bounded. */
export interface BoundedColumn<T extends OrderedTag, Optional extends Presence = false>
  extends ColumnDefinition<T, Optional> {
  /** Null becomes a value of the column; a row may leave it out. */
  optional(): BoundedColumn<T, true>;
  /**
   * What the column holds where a row leaves it out or has null, rows from before the column
   * included: to a view it is never null. Part of what views that read it mean.
   */
  default(value: JsValue<T>): BoundedColumn<T, 'defaulted'>;
  /**
   * It says something about a person; what is made of it is shown as personal. With
   * `tokenize: true`, of texts alone, every value is replaced by a keyed hash as soon as it is read:
   * equal ids have equal tokens within a namespace, and no raw one is stored anywhere.
   */
  personal(options?: PersonalOptions<T>): BoundedColumn<T, Optional>;
  /** The least value that is accepted; a smaller one is rejected as `out_of_range`. */
  min(bound: JsValue<T>): BoundedColumn<T, Optional>;
  /** The greatest value that is accepted; a greater one is rejected as `out_of_range`. */
  max(bound: JsValue<T>): BoundedColumn<T, Optional>;
}

/** A vector has no default. */
type PlainDefault<T extends TypeTag> = T extends VectorTag ? never : JsValue<T>;

/** Only texts are tokenized: an id that is a number is declared, and sent, as `string()`. */
export interface PersonalOptions<T extends TypeTag> {
  readonly tokenize?: T extends 'string' ? boolean : false;
}

export type ColumnMap = Readonly<Record<string, ColumnDefinition>>;

/** An event's columns by name, each with the operations that its type allows. */
export type EventOf<C extends ColumnMap> = {
  readonly [Name in keyof C]: Expression<TagOf<C[Name]>>;
};

/** Names of the columns that have one of these types. */
export type NamesOf<
  C extends ColumnMap,
  T extends TypeTag,
  Optional extends Presence = Presence,
> = {
  [Name in keyof C]: C[Name] extends ColumnDefinition<T, Optional> ? Name : never;
}[keyof C] &
  string;

class ColumnBuilder {
  readonly node: ColumnNode;

  constructor(node: ColumnNode) {
    this.node = Object.freeze(node);
    Object.freeze(this);
  }

  optional(): ColumnBuilder {
    return new ColumnBuilder({ ...this.node, optional: true });
  }

  default(value: unknown): ColumnBuilder {
    return new ColumnBuilder({ ...this.node, default: value });
  }

  personal(options: { readonly tokenize?: unknown } = {}): ColumnBuilder {
    const personal = (options.tokenize ?? false) === false ? 'plain' : 'tokenized';
    return new ColumnBuilder({ ...this.node, personal });
  }

  min(bound: unknown): ColumnBuilder {
    return new ColumnBuilder({ ...this.node, min: bound });
  }

  max(bound: unknown): ColumnBuilder {
    return new ColumnBuilder({ ...this.node, max: bound });
  }
}

// The tags of the interfaces exist for the compiler alone, so this is the one place that asserts.
function plain<T extends TypeTag>(type: ValueType): PlainColumn<T> {
  return builder(type) as unknown as PlainColumn<T>;
}

function bounded<T extends OrderedTag>(type: ValueType): BoundedColumn<T> {
  return builder(type) as unknown as BoundedColumn<T>;
}

function builder(type: ValueType): ColumnBuilder {
  return new ColumnBuilder({
    kind: 'column_definition',
    type: Object.freeze(type),
    optional: false,
    min: null,
    max: null,
  });
}

/** Text: UTF-8, ordered by its bytes. */
export function string(): BoundedColumn<'string'> {
  return bounded({ kind: 'string' });
}

/** A whole number in [-2^63, 2^63); exact beyond 2^53 too, then as a `bigint` (semantics §2). */
export function int64(): BoundedColumn<'int64'> {
  return bounded({ kind: 'int64' });
}

/**
 * A number with a fixed count of decimal places, exact in every sum: money, for one.
 *
 * @example decimal(2) // 12.34
 */
export function decimal<const Scale extends number>(
  scale: Scale,
): BoundedColumn<`decimal(${Scale})`> {
  return bounded({ kind: 'decimal', scale });
}

/**
 * A 64-bit float. Where it is summed, averaged or squared it is first rounded to `scale` decimal
 * places (default 6; semantics §3), and a value too large for that is rejected as `out_of_range`.
 */
export function float64(options: { readonly scale?: number } = {}): BoundedColumn<'float64'> {
  return bounded({ kind: 'float64', scale: options.scale ?? DEFAULT_SCALE });
}

/** True or false. */
export function bool(): PlainColumn<'bool'> {
  return plain({ kind: 'bool' });
}

/** A moment: whole milliseconds since the epoch, UTC. */
export function timestamp(): BoundedColumn<'timestamp'> {
  return bounded({ kind: 'timestamp' });
}

export interface VectorOptions<Model extends string> {
  /**
   * What makes the vectors, with its version. Part of the type: vectors of different models have
   * nothing to say to each other, and are not compared.
   */
  readonly model?: Model;
}

/**
 * So many float32 values, an embedding for one.
 *
 * @example vector(384, { model: 'minilm@3' })
 */
export function vector<const Size extends number>(size: Size): PlainColumn<`vector(${Size})`>;
export function vector<const Size extends number, const Model extends string>(
  size: Size,
  options: VectorOptions<Model>,
): PlainColumn<`vector(${Size}, ${Model})`>;
export function vector(size: number, { model }: VectorOptions<string> = {}): unknown {
  return plain(model === undefined ? { kind: 'vector', size } : { kind: 'vector', size, model });
}

/** The columns of a definition, as nodes, in the order written. */
export function namedColumns(columns: unknown): readonly NamedColumn[] {
  if (typeof columns !== 'object' || columns === null) return [];
  return Object.entries(columns).map(([name, given]) => ({ name, column: columnNode(given) }));
}

function columnNode(given: unknown): NamedColumn['column'] {
  const node = nodeOf(given);
  if (node?.kind === 'column_definition') return node as ColumnNode;
  if (isProblem(node)) return node;
  return problemNode(
    'invalid_definition',
    'This is no column type.',
    'Write string(), int64(), decimal(2), float64(), bool(), timestamp() or vector(8).',
  );
}
