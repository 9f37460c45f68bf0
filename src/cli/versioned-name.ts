import { AsofError } from '../base/errors.ts';

/** `name@3`, or `name` where `number` is null. @throws AsofError `usage` */
export function versionedName(text: string): {
  readonly name: string;
  readonly number: number | null;
} {
  const match = /^([^@]+)(?:@(\d{1,9}))?$/.exec(text);
  const [, name, number] = match ?? [];
  if (name === undefined) throw new AsofError('usage', `'${text}' is not of the form name@3.`);
  return { name, number: number === undefined ? null : Number(number) };
}

/** As `versionedName`, where the number must be given. @throws AsofError `usage` */
export function exactName(text: string): { readonly name: string; readonly number: number } {
  const { name, number } = versionedName(text);
  if (number !== null) return { name, number };
  throw new AsofError('usage', `'${text}' names no number: write ${name}@1 or another.`);
}
