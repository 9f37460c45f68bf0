import type { Column } from '../schema/batch.ts';
import { columnsAt, newestVersion, type VersionColumn } from '../schema/evolution.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { TypedColumn } from '../schema/typed-column.ts';
import { type SourceSchema, sameType, typeText, type ValueType } from '../schema/types.ts';
import { convertColumn } from '../schema/widening.ts';
import { columnOfCells } from './cell-columns.ts';

/** A layout that a columnar body of a source may have. */
export interface BodyLayout {
  /** Its columns, by the names that they have in it. */
  readonly schema: SourceSchema;
  /** By column of the layout, its place among those of the source. */
  readonly places: readonly number[];
}

const known = new WeakMap<SourceSchema, ReadonlyMap<string, BodyLayout>>();

/** By fingerprint: the newest version first, then earlier ones, and the source's own columns last. */
export function bodyLayouts(
  schema: SourceSchema,
  pinned: number | null,
): ReadonlyMap<string, BodyLayout> {
  if (pinned !== null) {
    const layout = layoutAt(schema, columnsAt(schema, pinned) ?? []);
    return new Map([[schemaFingerprint(layout.schema), layout]]);
  }
  const cached = known.get(schema);
  if (cached !== undefined) return cached;
  const layouts = new Map<string, BodyLayout>();
  const own = { schema, places: [...schema.columns.keys()] };
  const versions =
    (schema.evolution?.length ?? 0) === 0
      ? []
      : Array.from({ length: newestVersion(schema) }, (_, i) => newestVersion(schema) - i);
  const evolved = versions.flatMap((version) => {
    const columns = columnsAt(schema, version);
    return columns === null ? [] : [layoutAt(schema, columns)];
  });
  for (const layout of [...evolved, own]) {
    const fingerprint = schemaFingerprint(layout.schema);
    if (!layouts.has(fingerprint)) layouts.set(fingerprint, layout);
  }
  known.set(schema, layouts);
  return layouts;
}

function layoutAt(schema: SourceSchema, columns: readonly VersionColumn[]): BodyLayout {
  const own = columns.flatMap(({ index, name, type }) => {
    const column = schema.columns[index];
    return column === undefined ? [] : [{ ...column, name, type }];
  });
  return { schema: { ...schema, columns: own }, places: columns.map(({ index }) => index) };
}

/** Columns of a layout as those of the source, in their places and of their types. */
export function placedColumns(
  { places }: BodyLayout,
  { columns }: SourceSchema,
  decoded: readonly TypedColumn[],
  count: number,
): readonly TypedColumn[] {
  const isOwn = places.length === columns.length && places.every((place, i) => place === i);
  return columns.map(({ type }, index) => {
    const found = decoded[isOwn ? index : places.indexOf(index)];
    if (found === undefined) return { column: nulls(type, count), problems: new Map() };
    return sameType(found.column.type, type) ? found : widened(found, type);
  });
}

function nulls(type: ValueType, count: number): Column {
  return columnOfCells(
    type,
    Array.from({ length: count }, () => null),
  );
}

function widened({ column, problems }: TypedColumn, to: ValueType): TypedColumn {
  const found = new Map(problems);
  const made = convertColumn(column, to, (row) => {
    if (found.has(row)) return;
    const message = `A ${typeText(column.type)} of the row is no ${typeText(to)}: it is too large.`;
    found.set(row, new ValueProblem('out_of_range', message));
  });
  return { column: made, problems: found };
}
