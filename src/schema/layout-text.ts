import { typeText, type ValueType } from './types.ts';

/** A source as its binary layout sees it: the names and types of its columns, in their order. */
export interface Layout {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: ValueType }[];
}

/** The text whose SHA-256 names a layout: the source, then a column a line. */
export function layoutText({ name, columns }: Layout): string {
  return [name, ...columns.map((column) => `${column.name} ${typeText(column.type)}`)].join('\n');
}

/** Hexadecimal digits of that SHA-256 that make a fingerprint. */
export const FINGERPRINT_DIGITS = 16;
