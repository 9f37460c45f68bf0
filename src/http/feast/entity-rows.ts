import { AsofError } from '../../base/errors.ts';
import type { RowShape } from '../../serve/request-rows.ts';
import { feastTimeMs } from './event-rows.ts';
import { type Columns, short } from './online-request.ts';

/**
 * Rows of what the columns hold of join keys and request fields; other columns are ignored, as Feast
 * ignores them. A join key may be named by its entity, where that has no other one.
 * @param joinKeyOf the join key of an entity that has one alone
 * @throws AsofError `invalid_key`, `invalid_field` where a column is missing
 */
export function entityRows(
  { values, rowCount, names }: Columns,
  { joinKeys, request }: RowShape,
  joinKeyOf: (entity: string) => string | null,
): readonly unknown[] {
  const columns: [string, readonly unknown[]][] = [];
  const aliases = new Map(names.map((name) => [joinKeyOf(name), name]));
  const missing: string[] = [];
  for (const { name } of joinKeys) {
    const column = values.get(name) ?? values.get(aliases.get(name) ?? '');
    if (column === undefined) missing.push(name);
    else columns.push([name, column]);
  }
  if (missing.length > 0) throw missingKeys(missing, names);
  for (const { name, type, optional } of request) {
    const column = values.get(name);
    const isTime = type.kind === 'timestamp';
    if (column !== undefined) columns.push([name, isTime ? column.map(feastTimeMs) : column]);
    else if (!optional) throw missingField(name, names);
  }
  return Array.from({ length: rowCount }, (_, i) =>
    // Names are what the service declares; none of them is one of the language.
    Object.fromEntries(columns.map(([name, column]) => [name, column[i]])),
  );
}

function missingKeys(missing: readonly string[], given: readonly string[]): AsofError {
  const message = `The entities lack the join keys ${quoted(missing)}; they have ${quoted(given)}.`;
  const path = `entities.${missing[0] ?? ''}`;
  return new AsofError('invalid_key', message, { path });
}

function missingField(name: string, given: readonly string[]): AsofError {
  const message = `The entities lack the request data '${name}'; they have ${quoted(given)}.`;
  return new AsofError('invalid_field', message, { path: `entities.${name}` });
}

const SHOWN = 20;

function quoted(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const shown = names.slice(0, SHOWN).map((name) => `'${short(name)}'`);
  return names.length > SHOWN ? `${shown.join(', ')}, …` : shown.join(', ');
}
