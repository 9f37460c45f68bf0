/** The digits of a number as they stand in a row's text. */
export function numberIn(row: string, column: string): string | null {
  return fieldText(JSON.parse(row, keepNumberText), column);
}

function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? value) : value;
}

function ownField(row: object, name: string): unknown {
  return Object.entries(row).find(([field]) => field === name)?.[1];
}

function fieldText(row: unknown, column: string): string | null {
  if (typeof row !== 'object' || row === null) return null;
  // Of an envelope the row is one of its parts, which has only what it lacks from beside it. Only
  // a delete has no part "after". No column holds an object, so other rows have no such parts.
  const part = ownField(row, 'after') ?? ownField(row, 'before');
  const isPart = typeof part === 'object' && part !== null && Object.hasOwn(part, column);
  const value = ownField(isPart ? part : row, column);
  return typeof value === 'string' ? value : null;
}

/** A row as JSON text, whatever it holds. */
export function textOf(row: unknown): string {
  try {
    return JSON.stringify(row, bigintAsText) ?? String(row);
  } catch {
    return String(row);
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
