import {
  type ColumnSchema,
  type SchemaStep,
  type SourceSchema,
  sameType,
  type ValueType,
} from './types.ts';

/** A column as rows of one schema version have it. */
export interface VersionColumn {
  /** Among the columns of the source. */
  readonly index: number;
  readonly name: string;
  readonly type: ValueType;
}

/** What definitions and producers call a column now. */
export function presentName({ name, alias }: Pick<ColumnSchema, 'name' | 'alias'>): string {
  return alias ?? name;
}

/** The column of a present name. */
export function columnCalled<C extends Pick<ColumnSchema, 'name' | 'alias'>>(
  columns: readonly C[],
  name: string,
): C | undefined {
  return columns.find((column) => presentName(column) === name);
}

/** The newest schema version; a source without a declared evolution has only the first. */
export function newestVersion(schema: Pick<SourceSchema, 'evolution'>): number {
  return schema.evolution?.at(-1)?.version ?? 1;
}

/** The columns that rows of a version have, in the order of their names; null for no version. */
export function columnsAt(schema: SourceSchema, version: number): VersionColumn[] | null {
  const steps = schema.evolution ?? [];
  if (version !== 1 && !steps.some((step) => step.version === version)) return null;
  const later = steps.filter((step) => step.version > version);
  const earlier = steps.filter((step) => step.version <= version);
  const columns = schema.columns.flatMap((column, index): VersionColumn[] => {
    if (later.some(({ added }) => added.includes(column.name))) return [];
    const name = earlier.reduce(
      (known, { renamed }) => (Object.hasOwn(renamed, known) ? (renamed[known] ?? known) : known),
      column.name,
    );
    return [{ index, name, type: typeAt(column, later) }];
  });
  return columns.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The type before the first of the later steps that widened it. */
function typeAt({ name, type }: ColumnSchema, later: readonly SchemaStep[]): ValueType {
  return later.find(({ widened }) => Object.hasOwn(widened, name))?.widened[name] ?? type;
}

/** Every name that a column ever had, the present one first. */
export function namesOf(schema: Pick<SourceSchema, 'evolution'>, column: ColumnSchema): string[] {
  const names = [column.name];
  for (const { renamed } of schema.evolution ?? []) {
    const next = renamed[names[0] ?? ''];
    if (next !== undefined && Object.hasOwn(renamed, names[0] ?? '')) names.unshift(next);
  }
  return names;
}

/** Every type that a column ever had, the first one first. */
export function typesOf(
  schema: Pick<SourceSchema, 'evolution'>,
  column: ColumnSchema,
): ValueType[] {
  const before = (schema.evolution ?? []).flatMap(({ widened }) =>
    Object.hasOwn(widened, column.name) ? [widened[column.name] ?? column.type] : [],
  );
  return [...before, column.type];
}

/** Names that are no longer used, each with the index of its column; null where there are none. */
export function formerNames(schema: SourceSchema): ReadonlyMap<string, number> | null {
  const former = new Map<string, number>();
  for (const [index, column] of schema.columns.entries()) {
    for (const name of namesOf(schema, column).slice(1)) former.set(name, index);
  }
  return former.size === 0 ? null : former;
}

const faces = new WeakMap<SourceSchema, SourceSchema>();

/**
 * The source as producers and people see it: columns in the same places, under their present
 * names. The source itself, where nothing was renamed.
 */
export function facingSchema(schema: SourceSchema): SourceSchema {
  const known = faces.get(schema);
  if (known !== undefined) return known;
  const face = schema.columns.some(({ alias }) => alias !== undefined) ? faceOf(schema) : schema;
  faces.set(schema, face);
  return face;
}

function faceOf(schema: SourceSchema): SourceSchema {
  const names = new Map(schema.columns.map((column) => [column.name, presentName(column)]));
  const shown = (name: string): string => names.get(name) ?? name;
  const orNull = (name: string | null): string | null => (name === null ? null : shown(name));
  const changes = schema.changes ?? null;
  return {
    ...schema,
    columns: schema.columns.map(({ alias, ...column }) => ({
      ...column,
      name: alias ?? column.name,
    })),
    eventTime: shown(schema.eventTime),
    arrivalTime: orNull(schema.arrivalTime),
    id: orNull(schema.id),
    ...(changes === null
      ? {}
      : {
          changes: {
            ...changes,
            column: shown(changes.column),
            sequence: orNull(changes.sequence),
          },
        }),
  };
}

/** Whether a type of a column's past is another one now. */
export function isRetyped(schema: SourceSchema, { index, type }: VersionColumn): boolean {
  const column = schema.columns[index];
  return column !== undefined && !sameType(column.type, type);
}
