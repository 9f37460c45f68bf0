import { AsofError } from '../base/errors.ts';
import type { TypedColumn } from '../schema/typed-column.ts';
import type { ColumnSchema } from '../schema/types.ts';

/** One column of a columnar body, its structure checked. */
export interface ColumnBlock {
  /** What its texts take written out one by one. */
  readonly textBytes: number;
  decode(from: number, to: number): TypedColumn;
  /** JSON of one value; its characters are the bytes of its UTF-8. */
  jsonAt(row: number): string;
}

/** What every kind of block is made from. */
export interface BlockParts {
  readonly schema: ColumnSchema;
  readonly rows: number;
  /** A byte a row, 0 for null; null where no row is. */
  readonly valid: Uint8Array | null;
  /** After the null map; begins at a multiple of 8. */
  readonly payload: Uint8Array;
}

export function malformedColumns(what: string): AsofError {
  return new AsofError('malformed_columns', `The columnar body cannot be read: ${what}.`, {
    path: 'body',
  });
}

/** @throws AsofError `malformed_columns` unless the payload has just so many bytes */
export function requireBytes({ schema, payload }: BlockParts, bytes: number): void {
  if (payload.length === bytes) return;
  throw malformedColumns(`'${schema.name}' has ${payload.length} bytes of values, not ${bytes}`);
}

export function validIn(valid: Uint8Array | null, from: number, to: number): Uint8Array | null {
  const part = valid?.subarray(from, to) ?? null;
  return part?.includes(0) === true ? part : null;
}

export const NO_PROBLEMS: TypedColumn['problems'] = new Map();
