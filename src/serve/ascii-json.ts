import { jsonFeature } from '../schema/json.ts';
import type { FeatureValue, ValueType } from '../schema/types.ts';

const BEYOND_ASCII = /[\u0080-\uffff]/;
const EACH_BEYOND_ASCII = /[\u0080-\uffff]/g;

/** JSON text with every character beyond ASCII as its escape: then a character is a byte. */
export function asciiText(json: string): string {
  if (!BEYOND_ASCII.test(json)) return json;
  return json.replace(
    EACH_BEYOND_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A name as the key of an object's member, behind a comma but for the first. */
export function memberPrefix(name: string, index: number): string {
  return `${index === 0 ? '' : ','}${JSON.stringify(name)}:`;
}

/** Most counts are small: their text is made once. */
const SMALL: readonly string[] = Array.from({ length: 1024 }, (_, value) => String(value));
const SAFE = Number.MAX_SAFE_INTEGER;

export type ValueText = (value: FeatureValue) => string;

/** Writes values of a type, null among them. */
export function compileValueText(type: ValueType): ValueText {
  const items = type.kind === 'list' || type.kind === 'counts' ? type.of : type;
  const rare: ValueText =
    items.kind === 'string'
      ? (value) => asciiText(jsonFeature(value, type))
      : (value) => jsonFeature(value, type);
  // A number's JSON text is its own text; of decimals it is not.
  const isPlain = type.kind === 'int64' || type.kind === 'float64';
  if (!isPlain) return (value) => (value === null ? 'null' : rare(value));
  return (value) => {
    if (value === null) return 'null';
    if (typeof value !== 'number') return rare(value);
    if (value >>> 0 === value && value < SMALL.length) return SMALL[value] as string;
    return value < SAFE && value > -SAFE ? String(value) : rare(value);
  };
}
