import { isUtf8 } from 'node:buffer';
import type { SourcedRow } from '../../sourced-rows.ts';
import { UnreadableRow } from '../../sourced-rows.ts';

/**
 * Reads the value of a record as a row, or says why it is none.
 * @throws AsofError `source_unreachable` if a schema registry does not answer
 */
export type ReadValue = (value: Uint8Array, timestampMs: number) => RowBody | Promise<RowBody>;
export type RowBody = SourcedRow['body'];

/** Reads a value without the record's time. */
export type DecodeValue = (value: Uint8Array) => RowBody | Promise<RowBody>;

/** Reads the bytes behind the header of a value. @throws for bytes that do not fit the schema */
export type DecodeBytes = (bytes: Uint8Array) => RowBody | Promise<RowBody>;

/** Values that are JSON texts. */
export const jsonValue: DecodeValue = (value) => {
  return isUtf8(value) ? Buffer.from(value).toString() : Uint8Array.from(value);
};

/** Adds the record's time as a column, over one that the value may have. */
export function withTimestamp(decode: DecodeValue, column: string | null): ReadValue {
  if (column === null) return decode;
  return async (value, timestampMs) => {
    const body = await decode(value);
    if (typeof body === 'string') return addToText(body, column, timestampMs);
    if (body instanceof Uint8Array || body instanceof UnreadableRow) return body;
    return { ...body, [column]: timestampMs };
  };
}

/** Into the text, so that its digits stay as they were sent; of two equal names JSON takes the last. */
function addToText(text: string, column: string, timestampMs: number): string {
  const end = text.lastIndexOf('}');
  if (end < 0) return text;
  const isEmpty = text.slice(0, end).trim() === '{';
  return `${text.slice(0, end)}${isEmpty ? '' : ','}${JSON.stringify(column)}:${timestampMs}}`;
}
