import { AssertionFailure } from '../base/assert.ts';

/** The kinds of value a column or a feature can hold (semantics §2). */
export type ValueType =
  | { readonly kind: 'int64' }
  | { readonly kind: 'decimal'; readonly scale: number }
  /**
   * `scale` is the number of decimal places it is quantized to before it is summed. Only of features:
   * `kept` is the smaller format whose values it has (semantics §3); absent where it is as computed.
   */
  | { readonly kind: 'float64'; readonly scale: number; readonly kept?: 'float32' | 'float16' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'string' }
  | { readonly kind: 'timestamp' }
  /** float32; `model` names the embedding model that made it, such as `minilm@3`. */
  | { readonly kind: 'vector'; readonly size: number; readonly model?: string }
  /** Only of features: several values in a stated order. */
  | { readonly kind: 'list'; readonly of: ValueType }
  /** Only of features: distinct values with how often each occurs. */
  | { readonly kind: 'counts'; readonly of: ValueType };

export type ValueKind = ValueType['kind'];

/**
 * One value inside asof. int64 and decimal (in units of 10^-scale) are a `number` where that is
 * exact (safe integers) and a `bigint` beyond; timestamp is epoch milliseconds.
 */
export type Scalar = number | bigint | string | boolean | null;

export interface ValueCount {
  readonly value: Scalar;
  readonly count: number;
}

/** Elements of a vector, each a number that float32 holds. */
export type VectorValue = readonly number[];

/** One value that a row gives or an expression reads. */
export type Single = Scalar | VectorValue;

/** The value of a feature: a scalar or vector, or for `list` and `counts` an array of scalars. */
export type FeatureValue = Single | readonly Scalar[] | readonly ValueCount[];

/** Lists and counts are values of features only: no column has such a type. */
export function noColumn(type: Extract<ValueType, { kind: 'list' | 'counts' }>): never {
  throw new AssertionFailure(`no column is a ${typeText(type)}`);
}

export const DEFAULT_SCALE = 6;

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** The one form of an integer: `number` where it is exact, else `bigint`. */
export function canonicalInteger(value: bigint): number | bigint {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

export function sameType(a: ValueType, b: ValueType): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale === b.scale;
  if (a.kind === 'vector' && b.kind === 'vector') {
    return a.size === b.size && a.model === b.model;
  }
  if (a.kind === 'list' && b.kind === 'list') return sameType(a.of, b.of);
  if (a.kind === 'counts' && b.kind === 'counts') return sameType(a.of, b.of);
  return true;
}

/** A type as people and plans write it: `int64`, `decimal(2)`, `vector(8)`, `vector(8, minilm@3)`. */
export function typeText(type: ValueType): string {
  if (type.kind === 'decimal') return `decimal(${type.scale})`;
  if (type.kind === 'float64') return type.kept ?? type.kind;
  if (type.kind === 'vector') {
    return type.model === undefined
      ? `vector(${type.size})`
      : `vector(${type.size}, ${type.model})`;
  }
  if (type.kind === 'list' || type.kind === 'counts') return `${type.kind}(${typeText(type.of)})`;
  return type.kind;
}

/** A column of a source: its type, whether null is a value, and its declared range. */
export interface ColumnSchema {
  /** Its first name: log, archive, plans and hashes know it by this one for ever. */
  readonly name: string;
  /** What definitions and producers call it since a declared rename; absent: its first name. */
  readonly alias?: string;
  readonly type: ValueType;
  readonly optional: boolean;
  /** Inclusive bounds in the column's own units (a decimal's bounds are unscaled units). */
  readonly min: Scalar;
  readonly max: Scalar;
  /** What a row holds that brings no value; absent: null, where the column is optional. */
  readonly default?: Scalar;
  /**
   * Says something about a person. `tokenized`: the door replaces its values by a keyed hash, and
   * nothing behind the door knows others. Absent: not personal.
   */
  readonly personal?: 'plain' | 'tokenized';
}

/** The registered form of a source: what acceptance (semantics §1) and every codec go by. */
export interface SourceSchema {
  readonly name: string;
  readonly columns: readonly ColumnSchema[];
  /** The column that holds the event time; timestamp. */
  readonly eventTime: string;
  /** The column that brings its own arrival time, or null: then the log stamps it. */
  readonly arrivalTime: string | null;
  /** The column that names the event for de-duplication, or null. string or int64. */
  readonly id: string | null;
  readonly allowedLatenessMs: number;
  readonly maxClockSkewMs: number;
  readonly dedupeHorizonMs: number;
  readonly partitions: number;
  /** How rows say that they change or delete an earlier event; null where events are final. */
  readonly changes?: ChangeSchema | null;
  /** Of a table: its rows come unit by unit, and a unit may be rewritten; null of a stream. */
  readonly table?: TableSchema | null;
  /** How producers' rows have looked since the first version; absent: as the columns say. */
  readonly evolution?: readonly SchemaStep[];
}

/** What one schema version of a source changed; the door takes rows of every version. */
export interface SchemaStep {
  /** From 2; the first version is what the steps lead back to. */
  readonly version: number;
  /** Name before → name since. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Column by its first name → its type before. */
  readonly widened: Readonly<Record<string, ValueType>>;
  /** Columns, by first names, that rows of earlier versions do not have. */
  readonly added: readonly string[];
}

/** What acceptance, codecs and kernels must know of a table source (semantics §6, tables). */
export interface TableSchema {
  /** How many entries an aggregate that cannot subtract keeps for rows that may be taken back. */
  readonly keep: number;
}

/** Of a table: the column that names the upstream unit (file, partition, snapshot) of a row. */
export const UNIT_COLUMN = '__unit';

/** Of a table of snapshots by day: the column of their event times, before the one of units. */
export const SNAPSHOT_TIME_COLUMN = '__snapshot_time';

/** Whether rows of a source can take earlier ones back. */
export function isRetractable({
  changes,
  table,
}: Pick<SourceSchema, 'changes' | 'table'>): boolean {
  return (changes ?? null) !== null || (table ?? null) !== null;
}

/** How many entries are kept for rows that may be taken back; 0 where events are final. */
export function keptEntriesOf({ changes, table }: Pick<SourceSchema, 'changes' | 'table'>): number {
  return changes?.keep ?? table?.keep ?? 0;
}

/** A change stream: what each row does to the event of its id (semantics §6, retractions). */
export interface ChangeSchema {
  /** The string column that names the operation. */
  readonly column: string;
  readonly insert: readonly string[];
  readonly update: readonly string[];
  readonly delete: readonly string[];
  /** An int64 or timestamp column that grows with every change of an id, or null. */
  readonly sequence: string | null;
  /** `row`: the columns themselves; `envelope`: objects `before` and `after` beside the operation. */
  readonly shape: 'row' | 'envelope';
  /** An event can be taken back for so long after its arrival. */
  readonly horizonMs: number;
  /** How many entries an aggregate that cannot subtract keeps for what may be taken back. */
  readonly keep: number;
}

export const NAME_PATTERN = /^[a-z][a-z0-9_]*$/;

/** Sources, entities, views, services, datasets and models may stand in a namespace: `fraud.checks`. */
export const QUALIFIED_NAME_PATTERN = /^([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*$/;

/** What stands before the dot. */
export const NAMESPACE_PATTERN = /^[a-z][a-z0-9_]*$/;

/** Where names without one stand. */
export const DEFAULT_NAMESPACE = 'default';

/** The namespace of a definition's name: what stands before its dot. */
export function namespaceOf(name: string): string {
  const dot = name.indexOf('.');
  return dot < 0 ? DEFAULT_NAMESPACE : name.slice(0, dot);
}
