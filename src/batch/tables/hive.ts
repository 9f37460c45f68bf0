import { AsofError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';

/** What Hive and Spark write for null. */
const DEFAULT_PARTITION = '__HIVE_DEFAULT_PARTITION__';

/**
 * Values of the declared hive columns of a path such as `orders/day=2026-01-31/a.parquet`.
 * @throws AsofError `upstream_schema` if the path does not name all of them
 */
export function hivePartition(
  path: string,
  columns: readonly string[],
): ReadonlyMap<string, string | null> {
  const values = new Map<string, string | null>();
  if (columns.length === 0) return values;
  for (const folder of path.split('/').slice(0, -1)) {
    const at = folder.indexOf('=');
    if (at > 0) values.set(folder.slice(0, at), partitionValue(folder.slice(at + 1)));
  }
  for (const column of columns) {
    if (values.has(column)) continue;
    const remedy = `Lay files out as ${columns.map((one) => `${one}=…`).join('/')}/, or correct hive: […].`;
    throw new AsofError(
      'upstream_schema',
      `'${path}' lies in no folder '${column}=…'.${didYouMean(column, values.keys())}`,
      { path, remedy },
    );
  }
  return new Map(columns.map((column) => [column, values.get(column) ?? null]));
}

function partitionValue(text: string): string | null {
  if (text === DEFAULT_PARTITION) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
