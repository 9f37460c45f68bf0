import { AsofError } from '../../base/errors.ts';
import { emptiedBy, type KeyPlace, samePlace } from '../../ingest/forget/key-rule.ts';
import type { EntityPlan, ProjectPlan, SourcePlan, TileGroupPlan } from '../../plan/plan.ts';
import { type ColumnSchema, sameType, type ValueType } from '../../schema/types.ts';

/** All that was ever applied, the newest last: archives outlive the definitions of their sources. */
export type Plans = readonly ProjectPlan[];

/** The newest definition of each source. */
export function sourcesOf(plans: Plans): Map<string, SourcePlan> {
  return new Map(plans.flatMap(({ sources }) => sources.map((one) => [one.name, one] as const)));
}

export function entitiesOf(plans: Plans): EntityPlan[] {
  const found = new Map<string, EntityPlan>();
  for (const { entities } of plans) for (const one of entities) found.set(one.name, one);
  return [...found.values()];
}

/** Every group of tiles, those of labels included. */
export function groupsOf(plans: Plans): TileGroupPlan[] {
  const found = new Map<string, TileGroupPlan>();
  for (const { groups, datasets } of plans) {
    const labels = datasets.flatMap((dataset) => dataset.labels.flatMap((one) => one.groups));
    for (const group of [...groups, ...labels]) found.set(group.id, group);
  }
  return [...found.values()];
}

/** Every place that some view or label maps to an entity. */
export function placesOf(plans: Plans): KeyPlace[] {
  const places: KeyPlace[] = [];
  for (const { source, entity, keyColumns: columns } of groupsOf(plans)) {
    addPlace(places, { source, entity, columns });
  }
  return places;
}

export function addPlace(places: KeyPlace[], place: KeyPlace): void {
  if (!places.some((one) => samePlace(one, place))) places.push(place);
}

/**
 * A column that holds an entity's one join key although no view says so: `payments.counterparty`.
 * @throws AsofError `usage`
 */
export function declaredPlace(text: string, entity: EntityPlan, plans: Plans): KeyPlace {
  const at = text.lastIndexOf('.');
  const source = sourcesOf(plans).get(text.slice(0, Math.max(0, at)));
  const column = source?.columns.find(({ name }) => name === text.slice(at + 1));
  if (source === undefined || column === undefined) {
    throw new AsofError('usage', `--column ${text}: there is no such source and column.`);
  }
  const [only, ...others] = entity.joinKeys;
  if (only === undefined || others.length > 0 || !sameType(only.type, column.type)) {
    const message = `--column ${text} cannot hold the key of '${entity.name}'.`;
    throw new AsofError('usage', message, { remedy: 'Name a column of the type of its join key.' });
  }
  return { source: source.name, entity: entity.name, columns: [column.name] };
}

/** Whether a group's values look at a column beside the key: as measure, or in a filter. */
export function looksAt(group: TileGroupPlan, columns: readonly string[]): boolean {
  const expressions = [group.filter, ...group.lanes.flatMap((one) => [one.measure, one.filter])];
  return expressions.some((expr) => expr !== null && mentions(expr, columns));
}

function mentions(node: unknown, columns: readonly string[]): boolean {
  if (Array.isArray(node)) return node.some((one) => mentions(one, columns));
  if (typeof node !== 'object' || node === null) return false;
  if ('kind' in node && node.kind === 'column' && 'name' in node) {
    return columns.includes(String(node.name));
  }
  return Object.values(node).some((one) => mentions(one, columns));
}

/** Columns of a source that rows which stay lose. */
export function emptiedColumns(
  source: SourcePlan | undefined,
  gone: readonly KeyPlace[],
  places: readonly KeyPlace[],
): string[] {
  const own = gone.flatMap((place) => emptiedBy(place, places));
  return [...new Set([...own, ...personalColumns(source)])];
}

export function personalColumns(source: SourcePlan | undefined): string[] {
  return (source?.columns ?? [])
    .filter(({ personal, name }) => personal !== undefined && name !== source?.eventTime)
    .map(({ name }) => name);
}

export function columnOf(plans: Plans, source: string, column: string): ColumnSchema | undefined {
  return sourcesOf(plans)
    .get(source)
    ?.columns.find(({ name }) => name === column);
}

export function columnType(source: SourcePlan | undefined, name: string): ValueType | null {
  return source?.columns.find((column) => column.name === name)?.type ?? null;
}
